// What scene.py is for Python: clients whose HTTP exchanges are seen, and everything that was
// given, as plain JSON. It knows SDK objects, not llmreplay.

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const TIMEOUT_MS = 20_000;

export class Scene {
  constructor({ openai, anthropic, key }) {
    this.begin("");
    // The SDKs' own choice of fetch, with a look at what comes back.
    const fetch = async (url, init) => {
      const response = await globalThis.fetch(url, init);
      // The SDKs also try their fetch out, on a `data:` URL.
      if (!String(url).startsWith("http")) return response;
      this.http.push({
        request: `${init?.method ?? "GET"} ${new URL(url).pathname}`,
        status: response.status,
        headers: [...response.headers].sort(),
      });
      return response;
    };
    const both = { apiKey: key, timeout: TIMEOUT_MS, fetch };
    this.openai = new OpenAI({ baseURL: openai, ...both });
    this.anthropic = new Anthropic({ baseURL: anthropic, ...both });
  }

  begin(name) {
    this.name = name;
    this.shown = [];
    this.http = [];
  }

  show(label, value) {
    this.shown.push([label, plain(value)]);
  }

  async showFailure(label, call) {
    try {
      this.show(`${label} did not fail`, await call());
    } catch (error) {
      this.show(label, error);
    }
  }

  ask(directions = "") {
    return `${this.name}: what floats on “the river”? ${directions}`.trim();
  }
}

export function plain(value) {
  if (value instanceof Error) return plainError(value);
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") {
    const fields = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
    // Not enumerable, so that JSON.stringify leaves it out; people log it all the same.
    return value._request_id ? { ...fields, _request_id: value._request_id } : fields;
  }
  return value === undefined ? null : value;
}

function plainError(error) {
  const fields = {};
  for (const name of ["status", "code", "param", "type", "requestID", "error"]) {
    if (error[name] !== undefined) fields[name] = plain(error[name]);
  }
  // A reset that comes with the data before it is an ordinary end for libuv, now and then.
  const cause = error.cause?.message.replace("other side closed", "read ECONNRESET") ?? null;
  return { class: error.constructor.name, text: error.message, cause, fields };
}

// All that a stream gives; how it broke, too, if it did.
export async function all(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

export async function showUntilItBreaks(scene, label, stream) {
  await scene.showFailure(label, async () => {
    let number = 0;
    for await (const piece of stream) scene.show(`${label} ${number++}`, piece);
  });
}
