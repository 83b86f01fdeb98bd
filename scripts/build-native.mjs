// Replaced by the native core's build; until it exists there is nothing to compile.
