//! The OpenAPI 3.1 document: the endpoints' annotations, and what is true of all of them.

use tamis_protocols::wire::api;
use utoipa::OpenApi;
use utoipa::openapi::security::{SecurityRequirement, SecurityScheme};

use super::limits::Limits;
use super::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tamis",
        description = "A privacy clean room. Parties talk to it over TLS 1.3 with a client certificate \
            from their enrolment. Every count about the other side has passed the release gate. \
            Errors are RFC 9457 problem documents; another party's resource and one that does not \
            exist are the same 404. Every answer carries an `x-request-id`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "health", description = "For everybody."),
        (name = "parties", description = "Enrolment, and public keys."),
        (name = "collaborations", description = "Signed terms and the agreement of the pair secret."),
        (name = "uploads", description = "tus 1.0 resumable uploads, and what became of them."),
        (name = "jobs", description = "What the service still has to do for the caller."),
        (name = "matches", description = "The private intersection."),
        (name = "audiences", description = "What the release gate decides on."),
        (name = "deliveries", description = "Bringing destinations to an audience's state."),
        (name = "withdrawals", description = "People who withdrew, opposed, or are to be erased."),
        (name = "audit", description = "What auditors are shown beside the log, and samples of consent records."),
        (name = "log", description = "The transparency log."),
    ),
    components(schemas(api::Problem))
)]
struct Base;

const CERTIFICATE: &str = "client_certificate";

/// The document of the whole API.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, endpoints) = routes::endpoints(&Limits::default()).split_for_parts();
    let mut document = Base::openapi();
    document.merge(endpoints);
    // The router's wildcard is a plain parameter in OpenAPI's language.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    if let Some(components) = &mut document.components {
        components.add_security_scheme(
            CERTIFICATE,
            SecurityScheme::MutualTls {
                description: Some("The certificate that enrolment returned.".to_owned()),
                extensions: None,
                deprecated: None,
            },
        );
    }
    let nothing: [&str; 0] = [];
    document.security = Some(vec![SecurityRequirement::new(CERTIFICATE, nothing)]);
    document
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::Value;

    use super::*;

    fn operations() -> Vec<(String, String, Value)> {
        let document = serde_json::to_value(document()).unwrap();
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                all.push((path.clone(), method.clone(), operation.clone()));
            }
        }
        all
    }

    #[test]
    fn the_document_is_openapi_3_1_and_names_every_operation_once() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let mut ids: Vec<_> = operations()
            .into_iter()
            .map(|(.., operation)| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), count), (48, 48));
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = serde_json::to_value(document()).unwrap();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn only_enrolment_and_health_are_open_and_all_else_answers_401() {
        let open = ["/v1/enrolments", "/healthz", "/readyz", "/openapi.json"];
        for (path, method, operation) in operations() {
            let is_open = open.contains(&path.as_str());
            assert_eq!(
                operation["security"] == serde_json::json!([{}]),
                is_open,
                "{method} {path}"
            );
            let answers_401 = operation["responses"].get("401").is_some();
            assert_eq!(answers_401, !is_open, "{method} {path}");
        }
    }

    #[test]
    fn every_refusal_is_documented_as_a_problem() {
        for (path, method, operation) in operations() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with(['4', '5']) {
                    let schema = &response["content"]["application/problem+json"]["schema"];
                    let expected = "#/components/schemas/Problem";
                    assert_eq!(schema["$ref"], expected, "{method} {path} {status}");
                }
            }
        }
    }

    #[test]
    fn every_path_parameter_is_described_with_an_example() {
        for (path, method, operation) in operations() {
            let named = path.matches('{').count();
            let described = operation["parameters"].as_array().map_or(0, |all| {
                all.iter()
                    .filter(|one| one["in"] == "path" && one.get("example").is_some())
                    .count()
            });
            assert_eq!(named, described, "{method} {path}");
        }
    }
}
