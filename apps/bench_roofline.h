// What the published networks cost, in multiplications and bytes, as the plans themselves count it; with
// a device's measured rates also the bounds that follow. Main thread.
#pragma once

namespace ondes {

struct RooflineOptions {
  bool cuda = false;  // with bounds of the device that is there
  bool json = false;  // JSON lines on stdout instead of tables
};

// Prints on stdout. Throws Error{no_device} with `cuda` where there is none.
int run_bench_roofline(const RooflineOptions& options);

}  // namespace ondes
