/** In the place of wasm-crypto's second form, for browsers without WebAssembly: there are none that run the page. */
export const asmJsInit = null;
