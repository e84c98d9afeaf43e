//! The people who serve, and the departments that they belong to: who is there, with what skills and languages, and what they may give.
//!
//! - [`department`]: hours, contact details, and which tickets come to it
//! - [`staff_member`]: people, their shifts, presence, capacity and authority
//!
//! The README names what this service owns, offers and emits. It listens to nobody.

pub mod department;
pub mod staff_member;
mod stored;

use seva_proto::staff::v1::{
    department_service_server::DepartmentServiceServer, staff_member_service_server::StaffMemberServiceServer,
};
use seva_store::{
    feed::Feed,
    service::{Foundation, Service},
};

/// The service's name.
pub const NAME: &str = "staff";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Assembles the service.
pub fn service(foundation: Foundation) -> Service {
    let feed = Feed::new(foundation.db.clone());
    let departments = DepartmentServiceServer::new(department::DepartmentRpc::new(&foundation));
    let members = StaffMemberServiceServer::new(staff_member::StaffMemberRpc::new(&foundation));
    Service::new(NAME, foundation, feed, Vec::new(), Vec::new()).offering(departments).offering(members)
}
