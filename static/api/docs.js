// The page that shows the schema: calls go out with a token that is typed here, or with the session.
const place = document.getElementById("api");

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  requestInterceptor: (request) => {
    if (place.dataset.token) request.headers["X-CSRFToken"] = place.dataset.token;
    return request;
  },
});
