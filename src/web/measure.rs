//! Counts requests for monitoring.

use crate::app::App;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use std::time::Instant;

/// Middleware around everything else that answers.
pub async fn requests<B: MessageBody>(req: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let app = req.app_data::<web::Data<App>>().cloned();
    let begun = Instant::now();
    let answered = next.call(req).await;
    let Some(metrics) = app.as_ref().and_then(|app| app.metrics.as_ref()) else { return answered };
    if let Ok(response) = &answered {
        let request = response.request();
        let route = request.match_pattern().unwrap_or_else(|| "none".into());
        metrics.answered(request.method().as_str(), &route, response.status().as_u16(), begun.elapsed());
    }
    answered
}
