/** The zstd decompressor; tools/build.mjs puts the package into this file. */
export { Decompress } from 'fzstd';
