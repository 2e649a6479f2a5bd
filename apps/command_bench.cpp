#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "apps/bench_features.h"
#include "apps/bench_gan.h"
#include "apps/bench_peer.h"
#include "apps/bench_roofline.h"
#include "apps/bench_voice.h"
#include "apps/bench_wavenet.h"
#include "apps/cli_options.h"
#include "apps/commands.h"
#include "apps/renderer.h"
#include "apps/voices.h"
#include "engine/error.h"

namespace ondes {

namespace {

bool on_cuda(const std::string& device) {
  return announce_device("bench", device, true).cuda;
}

void add_device(CLI::App& sub, std::string& device) {
  sub.add_option("--device", device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
}

void refuse_with_cuda(const CLI::App& sub, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (sub.count(name) > 0) {
      throw Error(ErrorCode::usage,
                  std::string(name) + ": of the processor, not for --device cuda");
    }
  }
}

// Settles which Python runs ONNX Runtime, if any. One that was asked for must have it.
void find_onnx(bool asked, GanBenchOptions* options) {
  if (!asked) {
    options->onnx_python = "python3";
  }
  if (options->onnx_python.empty()) {
    return;
  }
  const bool there = !options->onnx_script.empty() &&
                     succeeds({options->onnx_python, "-c", "import numpy, onnx, onnxruntime"});
  if (there) {
    return;
  }
  const std::string missing =
      options->onnx_script.empty()
          ? "ondes-bench-onnx.py does not lie beside ondes"
          : options->onnx_python + " does not have numpy, onnx, onnxruntime";
  if (asked) {
    throw Error(ErrorCode::io, "--onnx " + options->onnx_python + ": " + missing);
  }
  fmt::print(stderr, "ondes: not compared with ONNX Runtime: {}; --onnx names another\n", missing);
  options->onnx_python.clear();
}

void add_features(CLI::App& sub, Action& action) {
  auto options = std::make_shared<FeatureBenchOptions>();
  CLI::App* features = sub.add_subcommand(
      "features", "The analyses that evaluations stand on, one thread, from nothing to features");
  features->add_option("files", options->files, "Sound files, mono, all of one rate")->required();
  features->add_option("--only", options->only, "Lines by name (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  features->add_option("--length", options->length_s, "Seconds of sound: the files, repeated")
      ->check(finite_range(0.1, 3600.0))
      ->capture_default_str();
  features->add_option("--passes", options->passes, "The fastest of that many counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  features->add_flag("--json", options->json, "JSON lines instead of a table");
  features->callback(
      [options, &action] { action = [options] { return run_bench_features(*options); }; });
}

void add_gan(CLI::App& sub, Action& action) {
  auto options = std::make_shared<GanBenchOptions>();
  CLI::App* gan = sub.add_subcommand(
      "gan",
      "Published HiFi-GAN generators, whole clips and streams, beside what the processor "
      "could do at most");
  gan->add_option("--variant", options->variants, "HiFi-GAN V1, V2, V3: 1, 2, 3")
      ->delimiter(',')
      ->check(CLI::Range(1, 3));
  gan->add_option("--threads", options->threads, "Threads")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  gan->add_option("--precision", options->precisions, "f32, i8; on a GPU f32, f16")
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "f16", "i8"}));
  gan->add_option("--block", options->blocks, "Mel frames a call; 0: the whole clip")
      ->delimiter(',')
      ->check(CLI::Range(0, 1024));
  gan->add_option("--frames", options->clip_frames, "Mel frames of the clip")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  gan->add_option("--seconds", options->seconds, "Time for each line")
      ->check(finite_range(0.01, 600.0))
      ->capture_default_str();
  const std::filesystem::path torch = program_folder() / "ondes-bench-torch";
  std::error_code ignored;
  if (std::filesystem::exists(torch, ignored)) {
    options->torch_program = torch.string();
  }
  gan->add_option(
      "--torch", options->torch_program,
      "ondes-bench-torch, for comparison with LibTorch (default: the one beside ondes; '': none)");
  const std::filesystem::path onnx = program_folder() / "ondes-bench-onnx.py";
  if (std::filesystem::exists(onnx, ignored)) {
    options->onnx_script = onnx.string();
  }
  CLI::Option* python = gan->add_option("--onnx", options->onnx_python,
                                        "A Python that has onnxruntime and onnx, for comparison "
                                        "with ONNX Runtime (default: python3 if "
                                        "it has them; '': none)");
  gan->add_flag("--cpu-time", options->cpu_time,
                "Time that the thread had the processor, for a busy machine; lines of one thread");
  gan->add_flag("--json", options->json, "JSON lines instead of a table");
  auto device = std::make_shared<std::string>("cpu");
  add_device(*gan, *device);
  gan->callback([options, device, gan, python, &action] {
    const bool asked = python->count() > 0;
    action = [options, device, gan, asked] {
      for (const int block : options->blocks) {
        if (block > options->clip_frames) {
          throw Error(ErrorCode::usage, "--block " + std::to_string(block) +
                                            ": longer than the clip of " +
                                            std::to_string(options->clip_frames) + " frames");
        }
      }
      if (on_cuda(*device)) {
        refuse_with_cuda(*gan, {"--threads", "--torch", "--onnx", "--cpu-time"});
        return run_bench_gan_cuda(*options, gan->count("--precision") > 0);
      }
      find_onnx(asked, options.get());
      return run_bench_gan(*options);
    };
  });
}

void add_wavenet(CLI::App& sub, Action& action) {
  auto options = std::make_shared<BenchOptions>();
  auto device = std::make_shared<std::string>("cpu");
  CLI::App* wavenet = sub.add_subcommand(
      "wavenet", "Step plans of published sizes, beside what the machine could do at most");
  wavenet->add_option("--residual", options->residual_channels, "Residual channels: 32, 64, 128")
      ->delimiter(',');
  wavenet->add_option("--lanes", options->lanes, "Lanes at once")
      ->delimiter(',')
      ->check(CLI::Range(1, 65536));
  wavenet->add_option("--threads", options->threads, "Threads")->delimiter(',');
  wavenet->add_option("--precision", options->precisions, "f32, i16, i8; f16 on a GPU")
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "f16", "i16", "i8"}));
  wavenet->add_option("--seconds", options->seconds, "Time for each line")
      ->check(finite_range(0.01, 60.0))
      ->capture_default_str();
  add_device(*wavenet, *device);
  wavenet->add_flag("--every-variant", options->every_variant,
                    "On a GPU: every kernel that can be forced, beside the one that is picked");
  const std::filesystem::path torch = program_folder() / "ondes-bench-torch";
  std::error_code ignored;
  if (std::filesystem::exists(torch, ignored)) {
    options->torch_program = torch.string();
  }
  wavenet->add_option(
      "--torch", options->torch_program,
      "ondes-bench-torch, for comparison with LibTorch (default: the one beside ondes; '': none)");
  wavenet->add_flag("--json", options->json, "JSON lines instead of a table");
  wavenet->callback([options, device, wavenet, &action] {
    action = [options, device, wavenet] {
      if (on_cuda(*device)) {
        refuse_with_cuda(*wavenet, {"--threads", "--torch"});
        return run_bench_wavenet_cuda(*options, wavenet->count("--lanes") > 0);
      }
      std::error_code error;
      if (!options->torch_program.empty() &&
          !std::filesystem::exists(options->torch_program, error)) {
        throw Error(ErrorCode::io, "--torch " + options->torch_program + ": not there");
      }
      return run_bench_wavenet(*options);
    };
  });
}

void add_roofline(CLI::App& sub, Action& action) {
  auto options = std::make_shared<RooflineOptions>();
  auto device = std::make_shared<std::string>("cpu");
  CLI::App* roofline = sub.add_subcommand(
      "roofline",
      "What published networks cost in multiplications and bytes; with --device cuda "
      "the bounds that follow from the device's measured rates");
  add_device(*roofline, *device);
  roofline->add_flag("--json", options->json, "JSON lines instead of tables");
  roofline->callback([options, device, &action] {
    action = [options, device] {
      options->cuda = on_cuda(*device);
      return run_bench_roofline(*options);
    };
  });
}

void add_voice(CLI::App& sub, Action& action) {
  auto voice = std::make_shared<VoiceBenchOptions>();
  CLI::App* played =
      sub.add_subcommand("voice", "A voice that plays notes, through the synth, block by block");
  played->add_option("--voice", voice->voice, "Name or file (default: the default voice)");
  played->add_option("--lanes", voice->lanes, "Notes at once")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  played->add_option("--threads", voice->threads, "Threads")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  played->add_option("--precision", voice->precisions, "f32, i16, i8; f16 on a GPU")
      ->delimiter(',')
      ->check(CLI::IsMember({"f32", "f16", "i16", "i8"}));
  played->add_option("--block", voice->block_frames, "Frames of a block")
      ->check(CLI::Range(16, 8192))
      ->capture_default_str();
  played->add_option("--seconds", voice->seconds, "Audio for each line")
      ->check(finite_range(0.1, 600.0))
      ->capture_default_str();
  played->add_flag("--json", voice->json, "JSON lines instead of a table");
  auto device = std::make_shared<std::string>("cpu");
  add_device(*played, *device);
  played->callback([voice, device, played, &action] {
    action = [voice, device, played] {
      voice->cuda = on_cuda(*device);
      if (voice->cuda) {
        refuse_with_cuda(*played, {"--threads"});
        voice->threads = {1};
      }
      return run_bench_voice(*voice);
    };
  });
}

}  // namespace

void add_bench_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("bench", "Measure how fast this machine is");
  sub->require_subcommand(1);
  add_wavenet(*sub, action);
  add_gan(*sub, action);
  add_features(*sub, action);
  add_roofline(*sub, action);
  add_voice(*sub, action);
}

}  // namespace ondes
