// Where an output goes: a file, a device or a pipe, standard output. Set-up thread.
#pragma once
#include <filesystem>
#include <string>

namespace ondes {

// Throws Error{io} where something would be replaced without --force: a regular file, or a symbolic
// link that leads nowhere (one that leads to a file is that file).
void refuse_existing(const std::string& output, bool replace);

// Throws Error{usage} if both are one file: --force replaces outputs, never what is read.
void refuse_own_input(const std::string& input, const std::string& output);

// "-" or a name of standard output (/dev/stdout and its like): nothing else may be printed there.
bool is_standard_output(const std::string& output);

// Throws Error{usage} if the JSON of --json and what `option` names would both go to standard output.
void refuse_mixed_output(const std::string& output, bool json, const char* option = "-o");

// A device or a pipe: written straight through, whatever its name.
bool is_special_output(const std::string& output);

// A folder for temporary files of `output`: its own, or the system's for devices and pipes.
std::filesystem::path scratch_folder(const std::string& output);

}  // namespace ondes
