// A program as yours might be: it is given its client, and knows nothing of llmreplay.

export async function nameFor(client, boat) {
  const answer = await client.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [
      { role: "system", content: "Name the boat. Answer with one word." },
      { role: "user", content: boat },
    ],
  });
  return answer.choices[0].message.content;
}

export async function nameOrNothing(client, boat) {
  try {
    return await nameFor(client, boat);
  } catch {
    return "";
  }
}

export async function* greeting(client) {
  const stream = await client.messages.create({
    model: "claude-sonnet-4-5",
    max_tokens: 20,
    stream: true,
    messages: [{ role: "user", content: "Is the kettle on?" }],
  });
  for await (const event of stream) {
    if (event.delta?.type === "text_delta") yield event.delta.text;
  }
}
