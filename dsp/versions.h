// The versions of the libraries behind dsp/, for people: "libsndfile 1.2.0, soxr 0.1.3, ...".
#pragma once
#include <string>

namespace ondes {

std::string dsp_library_versions();

}  // namespace ondes
