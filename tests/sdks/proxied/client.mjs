// The npm SDKs and fetch: their default addresses, and the real ones written in the code.
// Prints the same lines as program.py: one a client, `{"client", "shown"}`.

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { plain } from "../scene.mjs";

const FAILING = "[fail bad_request]";
const user = (content) => [{ role: "user", content }];

const clients = {
  "npm openai": (talk) => talkToOpenAI(talk, new OpenAI()),
  "npm openai, address in the code": (talk) =>
    talkToOpenAI(talk, new OpenAI({ baseURL: "https://api.openai.com/v1" })),
  "npm anthropic": (talk) => talkToAnthropic(talk, new Anthropic()),
  "npm anthropic, address in the code": (talk) =>
    talkToAnthropic(talk, new Anthropic({ baseURL: "https://api.anthropic.com" })),
  fetch: talkByFetch,
};

async function talkToOpenAI(talk, openai) {
  const create = (about, extra = {}) =>
    openai.chat.completions.create({ model: "gpt-4o-mini", messages: user(talk.prompt(about)), ...extra });
  talk.show("answer", await create("answer"));
  talk.show("stream", await all(await create("stream", { stream: true })));
  await talk.showFailure(() => create(FAILING));
}

async function talkToAnthropic(talk, anthropic) {
  const create = (about, extra = {}) =>
    anthropic.messages.create({
      model: "claude-sonnet-5",
      max_tokens: 512,
      messages: user(talk.prompt(about)),
      ...extra,
    });
  talk.show("answer", await create("answer"));
  talk.show("stream", await all(await create("stream", { stream: true })));
  await talk.showFailure(() => create(FAILING));
}

async function talkByFetch(talk) {
  const post = (about, extra = {}) =>
    fetch("https://api.openai.com/v1/chat/completions", {
      method: "POST",
      headers: {
        authorization: `Bearer ${process.env.OPENAI_API_KEY}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ model: "gpt-4o-mini", messages: user(talk.prompt(about)), ...extra }),
    });
  const answer = await post("answer");
  talk.show("answer", [answer.status, answer.headers.get("x-request-id"), await answer.json()]);
  talk.show("stream", await (await post("stream", { stream: true })).text());
  const failed = await post(FAILING);
  talk.show("error", [failed.status, failed.statusText, await failed.text()]);
}

async function all(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

class Talk {
  constructor(name) {
    this.name = name;
    this.shown = [];
  }

  prompt(about) {
    return `${this.name}: what floats on “the river”? ${about}`;
  }

  show(label, value) {
    this.shown.push([label, plain(value)]);
  }

  async showFailure(call) {
    try {
      this.show("no error", await call());
    } catch (error) {
      this.show("error", error);
    }
  }
}

for (const [name, run] of Object.entries(clients)) {
  const talk = new Talk(name);
  try {
    await run(talk);
  } catch (error) {
    talk.show("crashed", error.stack);
  }
  console.log(JSON.stringify({ client: name, shown: talk.shown }));
}
