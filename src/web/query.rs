//! Reads the query of an address into a struct. Text that isn't UTF-8 is decoded as in a
//! form.

use crate::error::{Error, Kind};
use crate::web::charset;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use form_urlencoded::Serializer;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};
use std::ops::Deref;

#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T> Query<T> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = charset::pairs(req.query_string().as_bytes(), None);
        let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
        let unreadable = |_: serde_html_form::de::Error| {
            Error::new(Kind::Unreadable, "The address isn’t valid: one of its values has the wrong type.")
        };
        ready(serde_html_form::from_str(&query).map(Self).map_err(|error| unreadable(error).into()))
    }
}
