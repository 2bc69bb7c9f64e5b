// The page that `report` fills.
#pragma once

#include <string_view>

namespace strata::tools {

/// page.html with its style and script; the run, as JSON without a '<', belongs in the place of `page_run`.
extern const std::string_view page;
inline constexpr std::string_view page_run = "<!--RUN-->";

}  // namespace strata::tools
