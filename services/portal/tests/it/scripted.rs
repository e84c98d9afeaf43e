//! A method whose answers are written by the test, and which remembers what it was asked.

use std::sync::{Arc, Mutex};

use seva_runtime::{Error, call::call_of};
use tonic::{Request, Response, Status};

type Answer<Q, A> = Arc<dyn Fn(&Q) -> Result<A, Status> + Send + Sync>;

/// One method.
pub struct Scripted<Q, A> {
    answer: Mutex<Option<Answer<Q, A>>>,
    asked: Mutex<Vec<Asked<Q>>>,
}

/// What it was asked, and by whom.
#[derive(Clone)]
pub struct Asked<Q> {
    pub message: Q,
    pub caller: String,
}

impl<Q, A> Default for Scripted<Q, A> {
    fn default() -> Self {
        Self { answer: Mutex::default(), asked: Mutex::default() }
    }
}

impl<Q: Clone, A> Scripted<Q, A> {
    /// Answers with this from now on.
    pub fn answers(&self, answer: impl Fn(&Q) -> Result<A, Status> + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Some(Arc::new(answer));
    }

    /// Refuses with this from now on.
    pub fn refuses(&self, error: impl Fn() -> Error + Send + Sync + 'static) {
        self.answers(move |_| Err(error().into()));
    }

    /// Is called by the server.
    pub fn call(&self, request: Request<Q>) -> Result<Response<A>, Status> {
        let caller = call_of(request.extensions())?.principal.subject;
        let message = request.into_inner();
        let answer = self.answer.lock().unwrap().clone();
        let answer =
            answer.unwrap_or_else(|| panic!("the test did not expect {} to be asked", std::any::type_name::<Q>()));
        let answered = answer(&message);
        self.asked.lock().unwrap().push(Asked { message, caller });
        answered.map(Response::new)
    }

    /// Everything that was asked, with its callers.
    pub fn asked(&self) -> Vec<Asked<Q>> {
        self.asked.lock().unwrap().clone()
    }

    /// Everything that was asked.
    pub fn messages(&self) -> Vec<Q> {
        self.asked().into_iter().map(|asked| asked.message).collect()
    }
}
