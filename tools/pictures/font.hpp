// The letters of pictures: printable ASCII, each 5 × 7 pixels, two rows below for what reaches down, and a
// column after it.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace strata::tools {

inline constexpr std::size_t glyph_width = 6, glyph_height = 7, glyph_depth = 2, glyphs_in_band = 16;

// Sixteen characters a band from ' ' on, nine rows a band.
// clang-format off
inline constexpr std::array<std::string_view, 54> glyph_rows{
    "        #    # #   # #    #   ##  #  ##     #      #   #                                      # ",
    "        #    # #   # #   #### ##  # #  #    #     #     #     #     #                         # ",
    "        #    # #  ##### # #      #  # #     #    #       #  # # #   #                        #  ",
    "        #          # #   ###    #    #           #       #   ###  #####       ####          #   ",
    "        #         #####   # #  #    # # #        #       #  # # #   #                      #    ",
    "                   # #  ####  #  ## #  #          #     #     #     #     ##         ##   #     ",
    "        #          # #    #   #  ##  ## #          #   #                  ##         ##   #     ",
    "                                                                           #                    ",
    "                                                                          #                     ",
    " ###    #    ###   ###     #  #####  ###  #####  ###   ###                 #         #     ###  ",
    "#   #  ##   #   # #   #   ##  #     #         # #   # #   #  ##           #           #   #   # ",
    "#   #   #       #     #  # #  ####  #        #  #   # #   #  ##    ##    #    #####    #      # ",
    "#   #   #      #    ##  #  #      # ####    #    ###   ####        ##   #               #    #  ",
    "#   #   #     #       # #####     # #   #  #    #   #     #  ##          #    #####    #    #   ",
    "#   #   #    #    #   #    #  #   # #   #  #    #   #     #  ##    ##     #           #         ",
    " ###   ###  #####  ###     #   ###   ###   #     ###   ###         ##      #         #      #   ",
    "                                                                    #                           ",
    "                                                                   #                            ",
    " ###    #   ####   ###  ####  ##### #####  ###  #   #  ###    ### #   # #     #   # #   #  ###  ",
    "#   #  # #  #   # #   # #   # #     #     #   # #   #   #      #  #  #  #     ## ## ##  # #   # ",
    "# ### #   # #   # #     #   # #     #     #     #   #   #      #  # #   #     # # # ##  # #   # ",
    "# # # #   # ####  #     #   # ####  ####  # ### #####   #      #  ##    #     # # # # # # #   # ",
    "# ### ##### #   # #     #   # #     #     #   # #   #   #      #  # #   #     #   # #  ## #   # ",
    "#     #   # #   # #   # #   # #     #     #   # #   #   #   #  #  #  #  #     #   # #  ## #   # ",
    " #### #   # ####   ###  ####  ##### #      #### #   #  ###   ##   #   # ##### #   # #   #  ###  ",
    "                                                                                                ",
    "                                                                                                ",
    "####   ###  ####   #### ##### #   # #   # #   # #   # #   # #####  ###  #      ###    #         ",
    "#   # #   # #   # #       #   #   # #   # #   # #   # #   #     #  #    #        #   # #        ",
    "#   # #   # #   # #       #   #   # #   # #   #  # #   # #     #   #     #       #  #   #       ",
    "####  #   # ####   ###    #   #   # #   # # # #   #     #     #    #      #      #              ",
    "#     # # # # #       #   #   #   #  # #  # # #  # #    #    #     #       #     #              ",
    "#     #  #  #  #      #   #   #   #  # #  ## ## #   #   #   #      #        #    #              ",
    "#      ## # #   # ####    #    ###    #   #   # #   #   #   #####  ###      #  ###              ",
    "                                                                                          ##### ",
    "                                                                                                ",
    " #          #               #         ##        #       #      #  #      ##                     ",
    "  #         #               #        #          #                 #       #                     ",
    "       ###  ####   ####  ####  ###  ####   #### ####   ##     ##  #  #    #   ## #  ####   ###  ",
    "          # #   # #     #   # #   #  #    #   # #   #   #      #  # #     #   # # # #   # #   # ",
    "       #### #   # #     #   # #####  #    #   # #   #   #      #  ##      #   # # # #   # #   # ",
    "      #   # #   # #     #   # #      #    #   # #   #   #      #  # #     #   # # # #   # #   # ",
    "       #### ####   ####  ####  ###   #     #### #   #  ###     #  #  #   ###  # # # #   #  ###  ",
    "                                              #             #  #                                ",
    "                                           ###               ##                                 ",
    "                         #                                           ##   #   ##                ",
    "                         #                                          #     #     #               ",
    "####   #### # ##   #### ####  #   # #   # #   # #   # #   # #####   #     #     #    #          ",
    "#   # #   # ##  # #      #    #   # #   # # # #  # #  #   #    #   #      #      #  # # #       ",
    "#   # #   # #      ###   #    #   # #   # # # #   #   #   #   #     #     #     #      #        ",
    "#   # #   # #         #  #    #   #  # #  # # #  # #  #   #  #      #     #     #               ",
    "####   #### #     ####    ##   ####   #    # #  #   #  #### #####    ##   #   ##                ",
    "#         #                                               #                                     ",
    "#         #                                            ###                                      "};
// clang-format on

/// Whether pixel (row, column) of the character is ink; what is no printable ASCII looks like '?'.
constexpr bool has_ink(char character, std::size_t row, std::size_t column) {
  const auto code = static_cast<std::size_t>(character < ' ' || character > '~' ? '?' : character) - ' ';
  return glyph_rows[code / glyphs_in_band * (glyph_height + glyph_depth) + row]
                   [code % glyphs_in_band * glyph_width + column] == '#';
}

}  // namespace strata::tools
