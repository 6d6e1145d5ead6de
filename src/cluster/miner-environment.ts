import type { Manifest } from '../evaluation/manifest.ts';

/** Where a miner finds the only five services that it may use, as origins such as `http://provider-proxy:8092`. */
export type MinerServices = Readonly<{
  providerProxy: string;
  webSearch: string;
  urlFetch: string;
  sandbox: string;
  rag: string;
}>;

/**
 * The whole environment of a submission's process, under the names of the existing runtime images. No secret is among
 * it: what a miner shows to the services comes with each request.
 */
export function minerEnvironment(
  of: Readonly<{
    submission: string;
    manifest: Manifest;
    port: number;
    services: MinerServices;
  }>,
): Readonly<Record<string, string>> {
  const { submission, manifest, port, services } = of;
  const { runtime, inference, sdk_runtime: sdk } = manifest;
  return {
    MINER_SUBMISSION_ID: submission,
    MINER_HEALTH_PATH: runtime.health_path,
    MINER_INVOKE_PATH: runtime.invoke_path,
    MINER_RUNTIME_PORT: String(port),
    MINER_PACKAGE_MODE: sdk.package_mode,
    MINER_DEPENDENCY_GROUP: sdk.dependency_group ?? '',
    MINER_ENTRY_MODULE: sdk.entry_module,
    MINER_APP_OBJECT: sdk.app_object,
    MINER_PROVIDER: inference.providers[0] ?? '',
    MINER_MODEL: inference.model,
    EIREL_DISABLE_REQUEST_AUTH: '1',
    EIREL_PROVIDER_PROXY_URL: services.providerProxy,
    EIREL_WEB_SEARCH_URL: services.webSearch,
    EIREL_URL_FETCH_URL: services.urlFetch,
    EIREL_SANDBOX_URL: services.sandbox,
    EIREL_RAG_URL: services.rag,
  };
}
