// What misses.py is for Python: requests that differ in one thing from what was recorded.

import { all } from "./scene.mjs";

const chat = (scene, change = {}) => {
  scene.name = "node_openai_chat_answers";
  const messages = [
    { role: "system", content: "You are terse. Answer in one line." },
    { role: "user", content: scene.ask() },
  ];
  return { model: "gpt-4o-mini", messages, ...change };
};

const miss = {
  async node_openai_miss_for_its_model(scene) {
    const { completions } = scene.openai.chat;
    const asked = chat(scene, { model: "gpt-4.1" });
    await scene.showFailure("create", () => completions.create(asked));
    await scene.showFailure("stream", () => completions.create({ ...asked, stream: true }));
    await scene.showFailure("helper", () => completions.stream(asked).finalChatCompletion());
    await scene.showFailure("raw", () => completions.create(asked).withResponse());
  },

  async node_openai_miss_for_a_word_of_the_system_prompt(scene) {
    const asked = chat(scene);
    asked.messages[0].content = asked.messages[0].content.replace("terse", "verbose");
    await scene.showFailure("create", () => scene.openai.chat.completions.create(asked));
  },

  async node_openai_miss_for_an_extra_field(scene) {
    const asked = chat(scene, { presence_penalty: 0.25 });
    await scene.showFailure("create", () => scene.openai.chat.completions.create(asked));
  },

  async node_openai_miss_for_what_was_never_recorded(scene) {
    const { audio, batches, responses } = scene.openai;
    const asked = { model: "gpt-5.6", input: "never asked" };
    await scene.showFailure("batches", () => batches.retrieve("batch_unheard_of"));
    await scene.showFailure("response", () => responses.create(asked));
    await scene.showFailure("response stream", () => responses.create({ ...asked, stream: true }));
    await scene.showFailure("helper", () => all(responses.stream(asked)));
    const words = { model: "tts-1", voice: "onyx", input: "never said" };
    await scene.showFailure("speech", () => audio.speech.create(words));
  },

  async node_anthropic_miss_for_its_model(scene) {
    const { messages } = scene.anthropic;
    scene.name = "node_anthropic_answers";
    const asked = {
      model: "claude-opus-5",
      max_tokens: 2048,
      system: "Be terse.",
      messages: [{ role: "user", content: scene.ask() }],
    };
    await scene.showFailure("create", () => messages.create(asked));
    await scene.showFailure("stream", () => messages.create({ ...asked, stream: true }));
    await scene.showFailure("helper", () => messages.stream(asked).finalMessage());
  },

  async node_anthropic_miss_for_what_was_never_recorded(scene) {
    const { messages } = scene.anthropic;
    await scene.showFailure("batches", () => messages.batches.retrieve("msgbatch_unheard_of"));
  },
};

const usedUp = {
  async node_openai_miss_when_used_up(scene) {
    const asked = chat(scene);
    scene.name = "node_openai_retry_after_429";
    asked.messages[1].content = scene.ask("[fail rate_limit x2]");
    await scene.showFailure("create", () => scene.openai.chat.completions.create(asked));
  },
};

export const GROUPS = { miss, "used up": usedUp };
