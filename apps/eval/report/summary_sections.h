// The upper half of the page: what was measured, whether the gates held, every metric's mean with
// its interval, how two systems differ, and how the values are distributed.
//
// Each function returns HTML, escaped; empty where there is nothing to say. Any thread.
#pragma once
#include <string>

#include "apps/eval/evaluation.h"

namespace ondes::report {

// "hifigan against raw": the page's title, plain text.
std::string title_of(const Evaluation& evaluation);

std::string opening_html(const Evaluation& evaluation);
std::string gates_html(const Evaluation& evaluation);
std::string summary_html(const Evaluation& evaluation);
std::string comparison_html(const Evaluation& evaluation);
std::string distributions_html(const Evaluation& evaluation);

}  // namespace ondes::report
