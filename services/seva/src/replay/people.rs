//! Customers of a table that has none: names, addresses and languages, all invented, from a fixed seed.
//!
//! Addresses lie in the domains that are reserved for examples (RFC 2606), so that nobody can ever get one of these messages. Four languages
//! in turn, names in the script of the language. Every fifth order belongs to somebody who has ordered before.

use seva_proto::customers::v1::ReportedCustomer;

use super::{SEED, SHOP_ZONE, csv::Order, dice::Dice};

#[cfg(test)]
mod tests;

/// Domains that are reserved for examples.
const DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];

/// One in so many orders is somebody's second or later one.
const REPEATED_ONE_IN: usize = 5;

/// Names of a language: as its readers write them, and in ASCII for the address.
struct Names {
    language: &'static str,
    given: [(&'static str, &'static str); 8],
    family: [(&'static str, &'static str); 8],
}

/// The languages in turn.
const NAMES: [Names; 4] = [
    Names {
        language: "en",
        given: [
            ("Alice", "alice"),
            ("Brian", "brian"),
            ("Claire", "claire"),
            ("Daniel", "daniel"),
            ("Emma", "emma"),
            ("Frank", "frank"),
            ("Grace", "grace"),
            ("Henry", "henry"),
        ],
        family: [
            ("Baker", "baker"),
            ("Carter", "carter"),
            ("Fisher", "fisher"),
            ("Hughes", "hughes"),
            ("Miller", "miller"),
            ("Parker", "parker"),
            ("Turner", "turner"),
            ("Walker", "walker"),
        ],
    },
    Names {
        language: "hi",
        given: [
            ("आशा", "asha"),
            ("राजेश", "rajesh"),
            ("सुनीता", "sunita"),
            ("अमित", "amit"),
            ("प्रिया", "priya"),
            ("विजय", "vijay"),
            ("कविता", "kavita"),
            ("संजय", "sanjay"),
        ],
        family: [
            ("शर्मा", "sharma"),
            ("वर्मा", "verma"),
            ("गुप्ता", "gupta"),
            ("सिंह", "singh"),
            ("मिश्रा", "mishra"),
            ("यादव", "yadav"),
            ("जोशी", "joshi"),
            ("त्रिपाठी", "tripathi"),
        ],
    },
    Names {
        language: "bn",
        given: [
            ("অনন্যা", "ananya"),
            ("সৌমিত্র", "soumitra"),
            ("মৌসুমী", "mousumi"),
            ("রফিক", "rafiq"),
            ("নাসরিন", "nasrin"),
            ("তন্ময়", "tanmoy"),
            ("শর্মিলা", "sharmila"),
            ("করিম", "karim"),
        ],
        family: [
            ("চট্টোপাধ্যায়", "chattopadhyay"),
            ("সরকার", "sarkar"),
            ("রহমান", "rahman"),
            ("দাস", "das"),
            ("ইসলাম", "islam"),
            ("ঘোষ", "ghosh"),
            ("হোসেন", "hossain"),
            ("বসু", "basu"),
        ],
    },
    Names {
        language: "ur",
        given: [
            ("عائشہ", "ayesha"),
            ("بلال", "bilal"),
            ("فاطمہ", "fatima"),
            ("حمزہ", "hamza"),
            ("زینب", "zainab"),
            ("عمران", "imran"),
            ("صائمہ", "saima"),
            ("طارق", "tariq"),
        ],
        family: [
            ("خان", "khan"),
            ("احمد", "ahmad"),
            ("ملک", "malik"),
            ("حسین", "hussain"),
            ("قریشی", "qureshi"),
            ("صدیقی", "siddiqui"),
            ("چوہدری", "chaudhry"),
            ("شیخ", "sheikh"),
        ],
    },
];

/// Somebody who does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The customer's id at the shop: of the first order, as the table has it.
    pub id: String,
    /// Given name, in the script of the language.
    pub given_name: String,
    /// Family name, in the script of the language.
    pub family_name: String,
    /// Mail address in a domain that belongs to nobody.
    pub email: String,
    /// BCP 47.
    pub language: &'static str,
}

impl Person {
    /// Invents the `number`-th customer of a shop, counted from 0, known there as `id`.
    pub fn invent(number: usize, id: &str) -> Self {
        let names = &NAMES[number % NAMES.len()];
        let mut dice = Dice::of(SEED, id);
        let (given, given_ascii) = names.given[dice.index(names.given.len())];
        let (family, family_ascii) = names.family[dice.index(names.family.len())];
        let domain = DOMAINS[dice.index(DOMAINS.len())];
        Self {
            id: id.to_owned(),
            given_name: given.to_owned(),
            family_name: family.to_owned(),
            email: format!("{given_ascii}.{family_ascii}.{}@{domain}", number + 1),
            language: names.language,
        }
    }

    /// As the shop reports the customer. No phone number: there is no range of them that belongs to nobody everywhere.
    pub fn reported(&self) -> ReportedCustomer {
        ReportedCustomer {
            id: self.id.clone(),
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            email: self.email.clone(),
            phone: String::new(),
            languages: vec![self.language.to_owned()],
            zone: SHOP_ZONE.to_owned(),
        }
    }
}

/// The customers of a table, and whose each order is.
#[derive(Debug)]
pub struct People {
    people: Vec<Person>,
    owners: Vec<usize>,
}

impl People {
    /// Invents the customers of a table. Who has ordered before is drawn from those with an earlier purchase.
    pub fn of(orders: &[Order]) -> Self {
        let mut by_purchase: Vec<usize> = (0..orders.len()).collect();
        by_purchase.sort_by_key(|index| (orders[*index].purchased_at, &orders[*index].order_id));
        let (mut people, mut owners) = (Vec::new(), vec![0; orders.len()]);
        for (place, index) in by_purchase.into_iter().enumerate() {
            let order = &orders[index];
            owners[index] = if place % REPEATED_ONE_IN == REPEATED_ONE_IN - 1 {
                Dice::of(SEED, &order.order_id).index(people.len())
            } else {
                people.push(Person::invent(people.len(), &order.customer_id));
                people.len() - 1
            };
        }
        Self { people, owners }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.people.len()
    }

    /// Whose the order at this place of the table is.
    pub fn owner_of(&self, order: usize) -> &Person {
        &self.people[self.owners[order]]
    }
}
