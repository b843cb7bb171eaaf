//! One line of the route table.

use crate::gate;
use crate::gate::Gate;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, Route, guard, web};
use std::borrow::Cow;

/// An address with its method, its gate and its handler.
pub struct Endpoint {
    /// `GET` includes `HEAD`.
    pub method: Method,
    /// The path, with names for its variable parts.
    pub path: Cow<'static, str>,
    pub gate: Gate,
    pub(crate) route: Route,
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => {$(
        pub fn $name<F, Args>(path: impl Into<Cow<'static, str>>, gate: Gate, handler: F) -> Endpoint
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            Endpoint::new(Method::$method, path.into(), gate, handler)
        }
    )*};
}
methods!(get GET, post POST, patch PATCH, delete DELETE, options OPTIONS);

impl Endpoint {
    /// A line that passes requests through the gate to a handler.
    pub fn new<F, Args>(method: Method, path: Cow<'static, str>, gate: Gate, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let methods = if method == Method::GET {
            guard::Any(guard::Get()).or(guard::Head())
        } else {
            guard::Any(guard::Method(method.clone()))
        };
        let route = web::route().guard(methods).to(handler).wrap(from_fn(move |req, next| gate::keep(gate, req, next)));
        Self { method, path, gate, route }
    }
}
