// What people do with the npm package `@anthropic-ai/sdk`.

import { toFile } from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { z } from "zod";

import { all, showUntilItBreaks } from "./scene.mjs";

const both = { model: "claude-sonnet-5", max_tokens: 2048 };
const tools = [
  {
    name: "weather",
    description: "The weather in a city.",
    input_schema: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city", "days"],
    },
  },
];

const user = (content) => [{ role: "user", content }];
// What our tools answer: always the same for the same call.
const toolResults = (message) =>
  message.content
    .filter((block) => block.type === "tool_use")
    .map((block) => ({
      type: "tool_result",
      tool_use_id: block.id,
      content: `${block.name} was asked for ${Object.keys(block.input)}`,
    }));

const replay = {
  async node_anthropic_answers(scene) {
    const { messages, models } = scene.anthropic;
    scene.show("answer", await messages.create({ ...both, system: "Be terse.", messages: user(scene.ask()) }));
    scene.show("tokens", await messages.countTokens({ model: both.model, messages: user(scene.ask()), tools }));
    scene.show("models", await all(models.list()));
    await scene.showFailure("no model", () => models.retrieve("claude-none"));
  },

  async node_anthropic_streams(scene) {
    const { messages } = scene.anthropic;
    const asked = { ...both, messages: user(scene.ask()), stream: true };
    scene.show("events", await all(await messages.create(asked)));
    const helper = messages.stream({ ...both, messages: user(scene.ask("helper")) });
    const texts = [];
    helper.on("text", (text, snapshot) => texts.push([text, snapshot.length]));
    scene.show("final", await helper.finalMessage());
    scene.show("texts", texts);
    scene.show("request id", helper.request_id);
  },

  async node_anthropic_stream_left_early(scene) {
    const stream = await scene.anthropic.messages.create({ ...both, messages: user(scene.ask()), stream: true });
    for await (const event of stream) {
      scene.show("first", event);
      break;
    }
  },

  async node_anthropic_thinking_and_tools_over_turns(scene) {
    const messages = user(scene.ask("[rounds 2]"));
    const thinking = { type: "enabled", budget_tokens: 1024 };
    for (let turn = 0; turn < 3; turn++) {
      const stream = scene.anthropic.messages.stream({ ...both, messages, tools, thinking });
      scene.show(`events ${turn}`, await all(stream));
      const made = await stream.finalMessage();
      messages.push({ role: "assistant", content: made.content });
      const results = toolResults(made);
      if (results.length) messages.push({ role: "user", content: results });
    }
  },

  async node_anthropic_tool_runner(scene) {
    const weather = betaZodTool({
      name: "weather",
      description: "The weather in a city.",
      inputSchema: z.object({ city: z.string(), days: z.number().int() }),
      run: ({ city, days }) => `${city.length} letters, ${days} days: rain`,
    });
    const asked = { ...both, messages: user(scene.ask("[rounds 2]")), tools: [weather] };
    scene.show("messages", await all(scene.anthropic.beta.messages.toolRunner(asked)));
  },

  async node_anthropic_files(scene) {
    const { files } = scene.anthropic;
    const content = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const kept = await files.upload({ file: await toFile(content, "ship.pdf", { type: "application/pdf" }) });
    scene.show("uploaded", kept);
    scene.show("content", new Uint8Array(await (await files.download(kept.id)).arrayBuffer()));
    scene.show("deleted", await files.delete(kept.id));
  },

  async node_anthropic_raw_responses(scene) {
    const create = (text, extra = {}) =>
      scene.anthropic.messages.create({ ...both, messages: user(scene.ask(text)), ...extra });
    const { data, response, request_id } = await create("with").withResponse();
    scene.show("data", data);
    scene.show("request id", [request_id, response.headers.get("request-id")]);
    scene.show("stream", await (await create("streamed", { stream: true }).asResponse()).text());
  },

  async node_anthropic_parallel_answers(scene) {
    const one = (_, number) =>
      scene.anthropic.messages.create({ ...both, messages: user(`${scene.ask()} number ${number}`) });
    scene.show("answers", await Promise.all(Array.from({ length: 20 }, one)));
  },

  async node_anthropic_parallel_streams(scene) {
    const one = (_, number) =>
      all(scene.anthropic.messages.stream({ ...both, messages: user(`${scene.ask()} number ${number}`) }));
    scene.show("streams", await Promise.all(Array.from({ length: 10 }, one)));
  },

  async node_anthropic_errors(scene) {
    const client = scene.anthropic.withOptions({ maxRetries: 0 });
    const kinds = ["bad_request", "auth", "billing", "forbidden", "not_found", "conflict", "too_large"];
    for (const kind of [...kinds, "rate_limit", "server_error", "overloaded"]) {
      const messages = user(scene.ask(`[fail ${kind}]`));
      await scene.showFailure(kind, () => client.messages.create({ ...both, messages }));
    }
  },

  async node_anthropic_streams_that_break(scene) {
    for (const how of ["cut", "reset", "error"]) {
      const messages = user(scene.ask(`[${how} after 5]`));
      const stream = await scene.anthropic.messages.create({ ...both, messages, stream: true });
      await showUntilItBreaks(scene, how, stream);
    }
  },
};

const retry = {
  async node_anthropic_retry_after_429_and_529(scene) {
    for (const directions of ["[fail rate_limit x2]", "[fail overloaded x1]"]) {
      const messages = user(scene.ask(directions));
      scene.show(directions, await scene.anthropic.messages.create({ ...both, messages }));
    }
  },
};

export const GROUPS = { replay, retry };
