// llmreplay for node:test, by its control API. Copy it beside your tests; it needs nothing else.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const JSON_TYPE = { "content-type": "application/json" };

export class Replay {
  #process;
  #sessions = 0;

  // A server on a free port, which answers from the cassettes beside this file.
  static async start(...options) {
    const cassettes = fileURLToPath(new URL("cassettes", import.meta.url));
    const replay = new Replay();
    replay.#process = spawn(
      "llmreplay",
      ["serve", "--port", "0", "--quiet", "--cassettes", cassettes, ...options],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await once(replay.#process, "spawn"); // or it says that there is no such command
    const lines = createInterface({ input: replay.#process.stdout });
    const [line] = await Promise.race([once(lines, "line"), once(lines, "close")]);
    replay.url = line?.match(/http:\S+/)?.[0]; // llmreplay serve: http://127.0.0.1:41234 (…)
    if (!replay.url) throw new Error("llmreplay did not start; it has said why");
    return replay;
  }

  async stop() {
    if (this.#process.kill()) await once(this.#process, "exit");
  }

  // A test with a session of its own: `setup` is as for `PUT sessions/NAME`. It fails for a
  // request that has no recording, whatever the code made of it, and for a rule that never fired.
  test(setup, body) {
    return async () => {
      const session = new Session(this.url, `${process.pid}-${++this.#sessions}`);
      const { missing } = await session.call("PUT", "", setup);
      if (missing.length) throw new Error(`no such cassette: ${missing}`);
      let failure;
      try {
        await body(session);
      } catch (error) {
        failure = error;
      }
      const verdict = await session.call("GET", "/verify");
      await session.call("DELETE");
      const told = verdict.misses.map((miss) => miss.detail);
      if (told.length) throw new Error(told.join("\n\n"), { cause: failure });
      if (failure) throw failure;
      if (verdict.never_fired.length) throw new Error(`never fired: ${verdict.never_fired}`);
    };
  }
}

class Session {
  #server;

  constructor(server, name) {
    this.#server = server;
    this.name = name;
  }

  // What its clients take as base URL: `provider` is openai/v1, anthropic, groq/openai/v1 …
  url(provider) {
    return `${this.#server}/_s/${this.name}/${provider}`;
  }

  // What was asked so far, and what became of it.
  async requests() {
    const query = `session=${this.name}&requests=true`;
    return (await ask(`${this.#server}/_llmreplay/journal?${query}`, "GET")).entries;
  }

  call(method, below = "", body) {
    return ask(`${this.#server}/_llmreplay/sessions/${this.name}${below}`, method, body);
  }
}

async function ask(url, method, body) {
  const answer = await fetch(url, { method, headers: JSON_TYPE, body: JSON.stringify(body) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}
