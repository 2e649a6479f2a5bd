// The versions of the libraries behind dsp/, for people: "libsndfile 1.2.0, soxr 0.1.3, ...".
// Without FFTW's: asking for it would link a GPL library into programs that need no FFT (README.md,
// licence; tests/house/check_links.sh).
//
// Any thread.
#pragma once
#include <string>

namespace ondes {

std::string dsp_library_versions();

}  // namespace ondes
