#include "dsp/versions.h"

#include <ebur128.h>
#include <sndfile.h>
#include <soxr.h>

namespace ondes {

std::string dsp_library_versions() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  ebur128_get_version(&major, &minor, &patch);
  return std::string(sf_version_string()) + ", " + soxr_version() + ", libebur128 " +
         std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace ondes
