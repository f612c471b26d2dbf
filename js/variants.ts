/** What decides between the WebAssembly variants: bytes to validate, never the user agent. */
import type { WasmVariant } from './platform/platform.js';

/** A function of i32x4.relaxed_dot_i8x16_i7x16_add_s on three splats. */
export const relaxedProbe = Uint8Array.of(
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
  1, 5, 1, 0x60, 0, 1, 0x7b, // type: () -> v128
  3, 2, 1, 0, // one function of it
  0x0a, 0x13, 1, 0x11, 0, // code: one body of 17 bytes, no locals
  0x41, 0, 0xfd, 0x0f, 0x41, 0, 0xfd, 0x0f, 0x41, 0, 0xfd, 0x0f, 0xfd, 0x93, 2, 0x0b);

export function validates(variant: WasmVariant): boolean {
  return variant === 'simd' || WebAssembly.validate(relaxedProbe);
}

/** Remembers compiled modules by key, failed ones not. */
export class ModuleCache {
  private readonly modules = new Map<string, Promise<WebAssembly.Module>>();

  get(key: string, compile: () => Promise<WebAssembly.Module>): Promise<WebAssembly.Module> {
    let module = this.modules.get(key);
    if (!module) {
      module = compile();
      this.modules.set(key, module);
      module.catch(() => this.modules.delete(key));
    }
    return module;
  }
}
