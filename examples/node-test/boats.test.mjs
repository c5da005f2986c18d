// All of these run at the same time, against one server: each has its own session.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { greeting, nameFor, nameOrNothing } from "./boats.mjs";
import { Replay } from "./llmreplay.mjs";

const BOAT = "a small sailing boat";
const replay = await Replay.start();
after(() => replay.stop());

function openai(session) {
  return new OpenAI({ baseURL: session.url("openai/v1"), apiKey: "none" });
}

describe("boats", { concurrency: true }, () => {
  test("a name", replay.test({ cassettes: ["poppy"] }, async (session) => {
    assert.equal(await nameFor(openai(session), BOAT), "Poppy");
  }));

  test("a stream", replay.test({ cassettes: ["kettle"] }, async (session) => {
    const client = new Anthropic({ baseURL: session.url("anthropic"), apiKey: "none" });
    const heard = [];
    for await (const text of greeting(client)) heard.push(text);
    assert.deepEqual(heard, ["It is,", " and singing."]);
  }));

  // The same request in forty sessions: each has the answer of its own cassette.
  for (let number = 1; number <= 20; number++) {
    for (const name of ["poppy", "heron"]) {
      test(`${name}, ${number}`, replay.test({ cassettes: [name] }, async (session) => {
        assert.equal((await nameFor(openai(session), BOAT)).toLowerCase(), name);
      }));
    }
  }

  const fault = { error: { preset: "rate_limit", retry_after: "10ms" } };
  const limited = { cassettes: ["poppy"], rules: [{ when: { first: 2 }, fault }] };
  test("a limit is waited out", replay.test(limited, async (session) => {
    assert.equal(await nameFor(openai(session), BOAT), "Poppy");
    const calls = await session.requests();
    assert.deepEqual(calls.map((call) => call.status), [429, 429, 200]);
    assert.equal(calls[0].request.json.messages[1].content, BOAT);
  }));

  const broken = { cassettes: ["kettle"], rules: [{ fault: { cut: { at: 3, how: "reset" } } }] };
  test("a stream breaks", replay.test(broken, async (session) => {
    const client = new Anthropic({ baseURL: session.url("anthropic"), apiKey: "none" });
    const heard = [];
    await assert.rejects(async () => {
      for await (const text of greeting(client)) heard.push(text);
    });
    assert.deepEqual(heard, ["It is,"]);
  }));

  // What replay.test(…) gives is what is handed to test(…) above: here we look at it ourselves.
  test("a miss fails the test, though the code swallowed it", async () => {
    const missing = replay.test({ cassettes: ["poppy"] }, async (session) => {
      assert.equal(await nameOrNothing(openai(session), "a submarine"), "");
    });
    await assert.rejects(missing, {
      message: /no recording for POST .*\n.*recorded "a small sailing boat", asked "a submarine"/,
    });
  });
});
