// Runs scenarios of the npm SDKs against two addresses; prints what each was given, as JSON.
// The same flags and lines as runner.py.

import { parseArgs } from "node:util";

import * as anthropicScenarios from "./anthropic_scenarios.mjs";
import * as misses from "./misses.mjs";
import * as openaiScenarios from "./openai_scenarios.mjs";
import { Scene } from "./scene.mjs";

const { values: flags } = parseArgs({
  options: {
    openai: { type: "string" },
    anthropic: { type: "string" },
    group: { type: "string", multiple: true },
    only: { type: "string", default: "" },
  },
});

const scene = new Scene({ ...flags, key: process.env.SDK_KEY });
for (const scenarios of [openaiScenarios, anthropicScenarios, misses]) {
  for (const [group, members] of Object.entries(scenarios.GROUPS)) {
    if (!flags.group.includes(group)) continue;
    for (const [name, scenario] of Object.entries(members)) {
      if (name.includes(flags.only)) await run(name, scenario);
    }
  }
}

async function run(name, scenario) {
  scene.begin(name);
  try {
    await scenario(scene);
  } catch (error) {
    scene.show("crashed", error.stack);
  }
  console.log(JSON.stringify({ scenario: name, shown: scene.shown, http: scene.http }));
}
