import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A Java program with java.net.http, and nothing set in its code. Prints one line, as program.py
 * does; every value in base64, since Java has no JSON of its own.
 */
class Client {
    static final URI ADDRESS = URI.create("https://api.openai.com/v1/chat/completions");
    static final HttpClient HTTP = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws IOException, InterruptedException {
        var answer = HTTP.send(request("answer", false), BodyHandlers.ofString());
        var stream = HTTP.send(request("stream", true), BodyHandlers.ofLines());
        var lines = stream.body().collect(Collectors.toList());
        var failed = HTTP.send(request("[fail bad_request]", false), BodyHandlers.ofString());
        var shown = List.of(
            shown("answer", told(answer)), shown("stream", lines), shown("error", told(failed)));
        System.out.println(
            "{\"client\": \"java.net.http\", \"shown\": [" + String.join(", ", shown) + "]}");
    }

    static HttpRequest request(String about, boolean stream) {
        var prompt = "java: what floats on “the river”? " + about;
        var body =
            """
            {"model": "gpt-4o-mini", "stream": %s,
             "messages": [{"role": "user", "content": "%s"}]}
            """.formatted(stream, prompt);
        return HttpRequest.newBuilder(ADDRESS)
            .header("authorization", "Bearer " + System.getenv("OPENAI_API_KEY"))
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(body, StandardCharsets.UTF_8))
            .build();
    }

    static List<String> told(HttpResponse<String> response) {
        var id = response.headers().firstValue("x-request-id").orElse("none");
        return List.of(String.valueOf(response.statusCode()), id, response.body());
    }

    static String shown(String label, List<String> values) {
        var encoder = Base64.getEncoder();
        return values.stream()
            .map(value -> encoder.encodeToString(value.getBytes(StandardCharsets.UTF_8)))
            .map(value -> "\"" + value + "\"")
            .collect(Collectors.joining(", ", "[\"" + label + "\", [", "]]"));
    }
}
