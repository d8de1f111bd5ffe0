/** Variables of common runtimes and tools, as regular expressions separated by spaces. */
const NAMES = [
  // The loader, the C library and shells.
  "LD_.* DYLD_.* GCONV_PATH GLIBC_.* LOCPATH NLSPATH TERMINFO.*",
  "PATH IFS ENV SHELL SHELLOPTS BASH.* ZDOTDIR FPATH CDPATH PROMPT_COMMAND PS4 INPUTRC",
  // Where configuration is read from.
  "HOME USERPROFILE APPDATA LOCALAPPDATA XDG_.* NETRC CURL_HOME WGETRC",
  // JavaScript.
  "NODE_.* DENO_.* BUN_.* NPM_.* YARN_.* PNPM_.* COREPACK_.* NVM_.* VOLTA_.* NODENV_.*",
  "TS_NODE_.* TSX_.* BABEL_.* ESBUILD_.* SWC_.*",
  // Other runtimes and their build tools.
  "PYTHON.* PIP_.* UV_.* VIRTUAL_ENV CONDA_.* PYENV_.* POETRY_.* UVICORN_.* GUNICORN_CMD_ARGS",
  "RUBY.* GEM_.* BUNDLE_.* BUNDLER_.* RBENV_.* BOOTSNAP_.* PERL.* PHPRC PHP_.* COMPOSER_.*",
  "LUA_.* LUAROCKS_.* R_.* ERL_.* ELIXIR_.* MIX_(?!ENV$).*",
  "JAVA_.* _JAVA_.* JDK_.* JVM_.* CLASSPATH MAVEN_.* GRADLE_.* KOTLIN_.* SBT_.* CLJ_.* LEIN_.*",
  "DOTNET_.* CORECLR_.* COR_.* COMPLUS_.* NUGET_.* MSBUILD.* MONO_.*",
  "ASPNETCORE_HOSTINGSTARTUPASSEMBLIES",
  "GO(?:FLAGS|ROOT|PATH|TOOLCHAIN|PROXY|ENV|DEBUG|BIN) CGO_.* CARGO_.* RUST(?!_LOG$).* SWIFT_.*",
  "CC CXX CPP LD AR (?:C|CXX|CPP|LD)FLAGS MAKE.* CMAKE_.*",
  // Programs that others start, and the certificates and proxies they use.
  "GIT_.* SSH_.* SUDO_.* EDITOR VISUAL PAGER MANPAGER LESS LESS(?:OPEN|CLOSE|KEY.*) BROWSER",
  "OPENSSL_.* SSL_CERT_.* SSLKEYLOGFILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE .*_PROXY",
  "AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE DOCKER_.* KUBECONFIG",
  "DIRENV_.* MISE_.* ASDF_.* NIX_.* GTK_.* QT_.* GIO_.* GST_.*",
];

// Some are also read in lower case, such as http_proxy and npm_config_registry.
const LOADING = new RegExp(`^(?:${NAMES.join(" ").replaceAll(" ", "|")})$`, "i");

/**
 * Tells whether a variable can make a program load unapproved code, read configuration that names such
 * code, or send its traffic elsewhere. The list is necessarily incomplete.
 */
export function loadsCode(name: string): boolean {
  return LOADING.test(name);
}
