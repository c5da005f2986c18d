// What people do with the npm package `openai`.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { toFile } from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { all, showUntilItBreaks } from "./scene.mjs";

const model = "gpt-4o-mini";
const Boat = z.object({ name: z.string(), length: z.number(), crew: z.array(z.string()) });
const WEATHER = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
  additionalProperties: false,
};
const CHAT_TOOLS = [{ type: "function", function: { name: "weather", parameters: WEATHER, strict: true } }];
const RESPONSE_TOOLS = [{ type: "function", name: "weather", parameters: WEATHER, strict: true }];

const user = (content) => [
  { role: "system", content: "You are terse. Answer in one line." },
  { role: "user", content },
];
// What our tools answer: always the same for the same call.
const toolOutput = (name, args) => `${name}: ${args.length} characters of ${Object.keys(JSON.parse(args))}`;

const replay = {
  async node_openai_chat_answers(scene) {
    const { completions } = scene.openai.chat;
    scene.show("answer", await completions.create({ model, messages: user(scene.ask()) }));
    const several = { model, messages: user(scene.ask("several")), n: 2, logprobs: true };
    scene.show("several", await completions.create(several));
    scene.show("refusal", await completions.create({ model, messages: user(scene.ask("[refuse]")) }));
    const response_format = zodResponseFormat(Boat, "boat");
    const messages = user(scene.ask("parsed"));
    scene.show("parsed", await completions.parse({ model, messages, response_format }));
  },

  async node_openai_chat_streams(scene) {
    const { completions } = scene.openai.chat;
    const asked = { model, messages: user(scene.ask()), stream: true };
    scene.show("chunks", await all(await completions.create(asked)));
    asked.stream_options = { include_usage: true };
    scene.show("with usage", await all(await completions.create(asked)));
    asked.messages = user(scene.ask("[gzip]"));
    scene.show("in gzip", await all(await completions.create(asked)));
  },

  async node_openai_chat_stream_helper(scene) {
    const stream = scene.openai.chat.completions.stream({ model, messages: user(scene.ask()) });
    const deltas = [];
    stream.on("content", (delta, snapshot) => deltas.push([delta, snapshot.length]));
    scene.show("final", await stream.finalChatCompletion());
    scene.show("deltas", deltas);
  },

  async node_openai_chat_stream_left_early(scene) {
    const messages = user(scene.ask());
    const stream = await scene.openai.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
      scene.show("first", chunk);
      break;
    }
  },

  async node_openai_chat_tools_over_turns(scene) {
    const messages = user(scene.ask("[rounds 3]"));
    for (let turn = 0; turn < 4; turn++) {
      const made = await scene.openai.chat.completions.create({ model, messages, tools: CHAT_TOOLS });
      scene.show(`turn ${turn}`, made);
      const { message } = made.choices[0];
      messages.push(message);
      for (const { id, function: called } of message.tool_calls ?? []) {
        const content = toolOutput(called.name, called.arguments);
        messages.push({ role: "tool", tool_call_id: id, content });
      }
    }
  },

  async node_openai_run_tools_streamed(scene) {
    const weather = {
      type: "function",
      function: {
        name: "weather",
        description: "The weather in a city.",
        parameters: WEATHER,
        parse: JSON.parse,
        function: ({ city, days }) => `${city.length} letters, ${days} days: rain`,
      },
    };
    const messages = user(scene.ask("[rounds 2]"));
    const runner = scene.openai.chat.completions.runTools({ model, messages, tools: [weather], stream: true });
    scene.show("chunks", await all(runner));
    scene.show("messages", runner.messages);
  },

  async node_openai_responses(scene) {
    const { responses } = scene.openai;
    const made = await responses.create({ model, input: scene.ask(), instructions: "Be terse." });
    scene.show("answer", made);
    scene.show("retrieved", await responses.retrieve(made.id));
    scene.show("deleted", await responses.delete(made.id));
    await scene.showFailure("gone", () => responses.retrieve(made.id));
    const asked = { model: "gpt-5.6", input: scene.ask("stream"), reasoning: { effort: "low" } };
    scene.show("events", await all(await responses.create({ ...asked, stream: true })));
    const text = { format: zodTextFormat(Boat, "boat") };
    const stream = responses.stream({ model, input: scene.ask("helper"), text });
    scene.show("helper", await all(stream));
    scene.show("final", await stream.finalResponse());
  },

  async node_openai_responses_tools_chained_by_id(scene) {
    let asked = { model, input: scene.ask("[rounds 2]"), tools: RESPONSE_TOOLS };
    for (let turn = 0; turn < 3; turn++) {
      const made = await scene.openai.responses.create(asked);
      scene.show(`turn ${turn}`, made);
      const calls = made.output.filter((item) => item.type === "function_call");
      const input = calls.map((item) => ({
        type: "function_call_output",
        call_id: item.call_id,
        output: `${toolOutput(item.name, item.arguments)} [rounds 2]`,
      }));
      asked = { ...asked, input, previous_response_id: made.id };
    }
  },

  async node_openai_numbers_and_lists(scene) {
    const { embeddings, moderations, models } = scene.openai;
    const asked = { model: "text-embedding-3-small", input: [scene.ask(), "x"] };
    scene.show("embeddings", await embeddings.create(asked));
    scene.show("floats", await embeddings.create({ ...asked, encoding_format: "float" }));
    scene.show("moderation", await moderations.create({ input: scene.ask() }));
    scene.show("models", await all(models.list()));
    await scene.showFailure("no model", () => models.retrieve("gpt-none"));
  },

  async node_openai_bytes_and_uploads(scene) {
    const { audio, files, images } = scene.openai;
    const spoken = await audio.speech.create({ model: "tts-1", voice: "alloy", input: scene.ask() });
    scene.show("speech", new Uint8Array(await spoken.arrayBuffer()));
    scene.show("image", await images.generate({ model: "gpt-image-1", prompt: scene.ask() }));
    const png = await toFile(Buffer.from("\x89PNG\r\n--x\r\n\0", "latin1"), "a.png", { type: "image/png" });
    scene.show("edit", await images.edit({ model: "gpt-image-1", prompt: scene.ask(), image: [png, png] }));
    const content = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const kept = await files.create({ file: await toFile(content, "höhle.bin"), purpose: "user_data" });
    scene.show("uploaded", kept);
    scene.show("content", new Uint8Array(await (await files.content(kept.id)).arrayBuffer()));
    scene.show("files", await all(files.list()));
    scene.show("deleted", await files.delete(kept.id));
    const folder = await mkdtemp(join(tmpdir(), "sdks-"));
    await writeFile(join(folder, "a.wav"), Buffer.concat([Buffer.from("RIFF"), content]));
    const file = createReadStream(join(folder, "a.wav"));
    const asked = { model: "whisper-1", file, prompt: scene.ask() };
    scene.show("transcription", await audio.transcriptions.create(asked));
    await rm(folder, { recursive: true });
  },

  async node_openai_raw_responses(scene) {
    const create = (text, extra = {}) =>
      scene.openai.chat.completions.create({ model, messages: user(scene.ask(text)), ...extra });
    const { data, response, request_id } = await create("with").withResponse();
    scene.show("data", data);
    scene.show("request id", [request_id, response.headers.get("x-request-id")]);
    scene.show("text", await (await create("as").asResponse()).text());
    scene.show("stream", await (await create("streamed", { stream: true }).asResponse()).text());
  },

  async node_openai_parallel_answers(scene) {
    const one = (_, number) =>
      scene.openai.chat.completions.create({ model, messages: user(`${scene.ask()} number ${number}`) });
    scene.show("answers", await Promise.all(Array.from({ length: 20 }, one)));
  },

  async node_openai_parallel_streams(scene) {
    const one = async (_, number) => {
      const input = `${scene.ask()} number ${number}`;
      return all(await scene.openai.responses.create({ model, input, stream: true }));
    };
    scene.show("streams", await Promise.all(Array.from({ length: 10 }, one)));
  },

  async node_openai_errors(scene) {
    const client = scene.openai.withOptions({ maxRetries: 0 });
    const kinds = ["bad_request", "auth", "forbidden", "not_found", "conflict", "unprocessable"];
    for (const kind of [...kinds, "quota", "server_error", "overloaded"]) {
      const messages = user(scene.ask(`[fail ${kind}]`));
      await scene.showFailure(kind, () => client.chat.completions.create({ model, messages }));
    }
    const messages = user(scene.ask("[fail server_error] stream"));
    await scene.showFailure("stream", () =>
      client.chat.completions.create({ model, messages, stream: true }),
    );
  },

  async node_openai_streams_that_break(scene) {
    for (const how of ["cut", "reset", "error"]) {
      const messages = user(scene.ask(`[${how} after 3]`));
      const stream = await scene.openai.chat.completions.create({ model, messages, stream: true });
      await showUntilItBreaks(scene, how, stream);
    }
  },
};

const retry = {
  async node_openai_retry_after_429(scene) {
    const messages = user(scene.ask("[fail rate_limit x2]"));
    scene.show("answer", await scene.openai.chat.completions.create({ model, messages }));
    const file = await toFile(Buffer.from("RIFF"), "a.wav");
    const asked = { model: "whisper-1", file, prompt: scene.ask("[fail rate_limit x1]") };
    scene.show("upload", await scene.openai.audio.transcriptions.create(asked));
  },
};

export const GROUPS = { replay, retry };
