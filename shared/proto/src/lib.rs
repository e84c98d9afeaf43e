//! The contract of the suite: code generated from `proto/`, and the descriptors that reflection, authorisation and tests read.
//!
//! Nothing is written by hand here but the module tree and [`Mutation`].

#![allow(clippy::all, rustdoc::all, reason = "generated")]

/// Everything that the suite's own packages define.
pub mod seva {
    /// Options of RPCs and fields.
    pub mod options {
        pub mod v1 {
            tonic::include_proto!("seva.options.v1");
        }
    }
    /// Values and reasons that all packages use.
    pub mod common {
        pub mod v1 {
            tonic::include_proto!("seva.common.v1");
        }
    }
    /// The feed, dead letters and the manual clock.
    pub mod events {
        pub mod v1 {
            tonic::include_proto!("seva.events.v1");
        }
    }
    /// Customers, orders and the intake.
    pub mod customers {
        pub mod v1 {
            tonic::include_proto!("seva.customers.v1");
        }
    }
    /// The people who serve, and their departments.
    pub mod staff {
        pub mod v1 {
            tonic::include_proto!("seva.staff.v1");
        }
    }
    /// Questions to customers, and their answers.
    pub mod surveys {
        pub mod v1 {
            tonic::include_proto!("seva.surveys.v1");
        }
    }
    /// Matters of customers.
    pub mod tickets {
        pub mod v1 {
            tonic::include_proto!("seva.tickets.v1");
        }
    }
    /// Messages to customers.
    pub mod notifications {
        pub mod v1 {
            tonic::include_proto!("seva.notifications.v1");
        }
    }
}

/// Public contracts that others own.
pub mod io {
    /// The CNCF's event format.
    pub mod cloudevents {
        pub mod v1 {
            tonic::include_proto!("io.cloudevents.v1");
        }
    }
}

pub use seva::{common, customers, events, notifications, options, staff, surveys, tickets};

/// The encoded descriptors of all files with their imports and our options.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The descriptors, decoded once.
pub fn descriptor_pool() -> &'static prost_reflect::DescriptorPool {
    static POOL: std::sync::LazyLock<prost_reflect::DescriptorPool> = std::sync::LazyLock::new(|| {
        prost_reflect::DescriptorPool::decode(DESCRIPTORS).expect("the build wrote valid descriptors")
    });
    &POOL
}

/// A request that changes something and can be repeated under the caller's id.
pub trait Mutation: prost::Message {
    /// The caller's UUID of this request.
    fn request_id(&self) -> &str;
}

mod mutations {
    include!(concat!(env!("OUT_DIR"), "/mutations.rs"));
}
