// Memory in large pages.
#pragma once

namespace strata {

/// Asks the system to keep what the process allocates from now on, up to 256 MB, in large pages: a training
/// step goes through all weights, gradients and moments, and translating their addresses is some percent of
/// it. For programs to call first; a policy of the whole process, without which all works as well.
/// Does nothing where there is no glibc; the system may ignore it.
void use_large_pages();

}  // namespace strata
