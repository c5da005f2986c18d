export const GROUPS = {};
