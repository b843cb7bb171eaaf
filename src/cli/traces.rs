//! Traces for OpenTelemetry, if its usual variables name a collector.

use crate::storage::choose_tls;
use opentelemetry::global;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::env;

/// Either names the collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Prepares to send spans over HTTP (OTLP, protobuf). `None` without a collector. The rest of
/// OpenTelemetry's variables work as its specification says.
///
/// # Errors
/// One line that says which variable is wrong.
pub(super) fn open() -> Result<Option<SdkTracerProvider>, String> {
    let is_set = |name: &str| env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let is_disabled = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    if is_disabled || !ENDPOINTS.into_iter().any(is_set) {
        return Ok(None);
    }
    choose_tls();
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build();
    let exporter = exporter.map_err(|error| format!("{} cannot be used: {error}", ENDPOINTS.join(" or ")))?;
    let mut resource = Resource::builder();
    if !is_set("OTEL_SERVICE_NAME") {
        resource = resource.with_service_name("docket");
    }
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build()))
}
