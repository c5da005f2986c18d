// A Go program with net/http, and nothing set in its code. Prints one line,
// as program.py does: {"client", "shown"}.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

const url = "https://api.openai.com/v1/chat/completions"

func main() {
	shown := [][]any{
		{"answer", told(ask("answer", false))},
		{"stream", lines(ask("stream", true))},
		{"error", told(ask("[fail bad_request]", false))},
	}
	line, err := json.Marshal(map[string]any{"client": "go net/http", "shown": shown})
	check(err)
	fmt.Println(string(line))
}

func ask(about string, stream bool) *http.Response {
	message := map[string]string{"role": "user", "content": "go: what floats on “the river”? " + about}
	body, err := json.Marshal(map[string]any{
		"model": "gpt-4o-mini", "messages": []any{message}, "stream": stream,
	})
	check(err)
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	check(err)
	request.Header.Set("Authorization", "Bearer "+os.Getenv("OPENAI_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	check(err)
	return response
}

func told(response *http.Response) []any {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(err)
	return []any{response.StatusCode, response.Header.Get("X-Request-Id"), string(body)}
}

func lines(response *http.Response) []string {
	defer response.Body.Close()
	found := []string{}
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		found = append(found, scanner.Text())
	}
	check(scanner.Err())
	return found
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
