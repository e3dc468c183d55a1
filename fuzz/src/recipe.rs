//! Preprocessing recipes.

use calibrant_preprocess::{MAX_SIDE_PX, Preprocess, Settings};

/// Reads bytes as the TOML of a recipe; one that is complete must be written in full and read to an equal one, and what
/// compiles has a shape of at most a picture's size.
///
/// # Panics
///
/// When it does not.
pub fn recipe(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(settings) = Settings::from_toml(text) else { return };
    let Ok(recipe) = settings.recipe() else { return };
    let again = Settings::from_toml(&recipe.to_toml()).and_then(|settings| settings.recipe());
    assert_eq!(again.expect("a written recipe reads"), recipe);
    if let Ok(pipeline) = recipe.compile() {
        assert_eq!(pipeline.shape()[0], pipeline.color().channels());
        assert!(pipeline.size().width.max(pipeline.size().height) <= MAX_SIDE_PX);
    }
}

#[cfg(test)]
mod tests {
    use calibrant_preprocess::{Preset, Recipe};

    use super::recipe;
    use crate::damage;

    #[test]
    fn damaged_recipes_are_read_or_refused() {
        for preset in Preset::all() {
            let text = Recipe { steps: preset.steps() }.to_toml();
            damage::run(recipe, text.as_bytes(), 300);
        }
    }
}
