// Trains a WaveNet note voice from a note corpus and writes it as a voice file.
//
// Everything is a function of the configuration and its seeds: data order, augmentation and
// initial weights. A run that is interrupted and resumed ends with the same bits on the CPU as one
// that was not. Set-up thread. Throws Error{bad_input} at the first non-finite loss, naming step
// and notes.
#pragma once
#include "models/training/note_corpus.h"
#include "models/training/training_run.h"
#include "models/training/voice_recipe.h"

namespace ondes {

// True when the run reached its last step and the voice was written.
bool train_wavenet(const VoiceRecipe& recipe, const NoteCorpus& corpus, const TrainingRun& run);

}  // namespace ondes
