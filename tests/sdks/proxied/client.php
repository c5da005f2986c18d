<?php
// PHP's curl, with nothing but an address: prints one line, as program.py does.

function ask(string $about, bool $stream = false): array
{
    $message = ['role' => 'user', 'content' => "php: what floats on “the river”? $about"];
    $curl = curl_init('https://api.openai.com/v1/chat/completions');
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_HTTPHEADER => [
            'authorization: Bearer ' . getenv('OPENAI_API_KEY'),
            'content-type: application/json',
        ],
        CURLOPT_POSTFIELDS => json_encode(
            ['model' => 'gpt-4o-mini', 'stream' => $stream, 'messages' => [$message]]
        ),
    ]);
    $body = curl_exec($curl);
    if ($body === false) {
        fwrite(STDERR, curl_error($curl));
        exit(1);
    }
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $body];
}

$shown = [
    ['answer', ask('answer')],
    ['stream', ask('stream', true)],
    ['error', ask('[fail bad_request]')],
];
echo json_encode(['client' => 'php curl', 'shown' => $shown]), "\n";
