// The files in C that every exported network gets, as bytes of this program.
#ifndef LPGEN_NETWORKS_EMBEDDEDFILES_H
#define LPGEN_NETWORKS_EMBEDDEDFILES_H

#include <span>
#include <string>
#include <string_view>

namespace lpgen::networks {

struct EmbeddedFile {
  std::string path; ///< In the exported folder.
  std::string_view content;
};

std::span<const EmbeddedFile> embeddedFiles();

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_EMBEDDEDFILES_H
