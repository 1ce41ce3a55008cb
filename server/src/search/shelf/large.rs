//! A workspace with more than is looked at piece by piece: the database finds the nearest, the memory those that share
//! words, and both are scored together.

use std::collections::{HashMap, HashSet};

use switchboard_protocol::ids::WorkspaceId;

use super::index::{Index, Mode};
use super::kind::{self, Kind, Piece, Place};
use super::words::Shared;
use super::{Asked, Found, Shelves};
use crate::store::StoreError;

/// What each leg brings.
const LEG: usize = 200;
/// With this part of what is large, or fewer, that pass a filter, each of them is looked at: an index would be walked for
/// long to find them.
const FEW: usize = 50;

impl<K: Kind> Shelves<K> {
    pub(in crate::search) async fn search_large(
        &self,
        workspace: WorkspaceId,
        index: &Index<K::Piece>,
        query: &Asked<K>,
    ) -> Result<Found<K>, StoreError> {
        let leg = LEG.max(query.limit);
        let by_words = index.by_words(query);
        let few = (self.0.large / FEW).min(kind::TOGETHER);
        let passing = index.passing(&query.filter, few + 1, &HashSet::new());
        let mut places: HashSet<Place> = if passing.len() <= few {
            passing.into_iter().collect()
        } else {
            let nearest = match &query.vector {
                Some((vector, _)) if query.mode != Mode::Text => {
                    let most = i64::try_from(leg).unwrap_or(i64::MAX);
                    self.stored().nearest(workspace, vector, &query.filter, most).await?
                }
                _ => Vec::new(),
            };
            nearest.into_iter().chain(best(&by_words, leg)).collect()
        };
        if query.all && places.len() < query.limit {
            // What has neither a vector nor a word in common is in no leg.
            places.extend(index.passing(&query.filter, query.limit - places.len(), &places));
        }
        let places: Vec<Place> = places.into_iter().collect();
        let pieces = self.stored().pieces_at(workspace, &places).await?;
        let compared: Vec<(K::Piece, Option<f32>)> = pieces
            .into_iter()
            .filter(|piece| piece.passes(&query.filter))
            .map(|mut piece| {
                let sense = piece.take_sense();
                let likeness = query.likeness(sense.as_ref());
                (piece, likeness)
            })
            .collect();
        let is_compared = compared.iter().any(|(_, likeness)| likeness.is_some());
        let mode = if is_compared { query.mode } else { Mode::Text };
        let judged = compared.into_iter().filter_map(|(piece, likeness)| {
            let shared = by_words.get(&piece.place()).copied().unwrap_or_default();
            let score = query.judge(mode, likeness, shared)?;
            Some((piece, score))
        });
        let mut found: Vec<_> = judged.collect();
        found.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.place().cmp(&b.0.place())));
        found.truncate(query.limit);
        Ok((found, mode))
    }
}

/// The places that share the most words.
fn best(by_words: &HashMap<Place, Shared>, limit: usize) -> impl Iterator<Item = Place> {
    let mut worded: Vec<(f32, Place)> =
        by_words.iter().map(|(place, shared)| (shared.score, *place)).collect();
    worded.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    worded.into_iter().take(limit).map(|(_, place)| place)
}
