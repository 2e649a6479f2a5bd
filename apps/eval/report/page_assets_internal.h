// The page's style sheet and script: what stands inside <style> and <script>. No third party's.
#pragma once
#include <string_view>

namespace ondes::report {

extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace ondes::report
