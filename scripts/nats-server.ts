import {
  CACHED_NATS_SERVER,
  type FoundNatsServer,
  searchNatsServer,
} from '../src/runtime/nats-server.ts';
import { isOlderVersion, RECOMMENDED_NATS_SERVER } from '../src/runtime/nats-server-version.ts';
import { fetchFromDistribution } from './nats-server-distribution.ts';
import { fetchRelease, OFFICIAL_RELEASES } from './nats-server-release.ts';

const WAYS_TO_GET_ONE = `no usable nats-server was found or could be fetched. Any of these helps:
  - install nats-server ${RECOMMENDED_NATS_SERVER} or later, so that it is on PATH
  - set NATS_SERVER to the file of one, or put one at ${CACHED_NATS_SERVER}
  - set NATS_SERVER_RELEASES to a copy of ${OFFICIAL_RELEASES};
    behind a proxy set NODE_USE_ENV_PROXY=1
Then run "node scripts/setup.mjs" again.`;

/** Says which nats-server is used; fetches one into the project's cache when the machine has none. */
async function provideNatsServer(env: NodeJS.ProcessEnv): Promise<void> {
  const { found, refused } = await searchNatsServer(env, CACHED_NATS_SERVER);
  for (const { path, origin, reason } of refused) say(`${path} (${origin}) refused: it ${reason}`);
  report(found ?? (await fetchNatsServer(env['NATS_SERVER_RELEASES'] ?? OFFICIAL_RELEASES)));
}

async function fetchNatsServer(releases: string): Promise<FoundNatsServer> {
  const path = CACHED_NATS_SERVER;
  const sources = [
    { name: 'official release', fetch: () => fetchRelease(path, releases) },
    { name: 'distribution package', fetch: () => fetchFromDistribution(path) },
  ];
  for (const { name, fetch } of sources) {
    say(`fetching the ${name}`);
    try {
      const { version, from } = await fetch();
      say(`fetched and verified from ${from}`);
      return { path, version, origin: 'cache' };
    } catch (error) {
      say(`no ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(WAYS_TO_GET_ONE);
}

function report({ path, version, origin }: FoundNatsServer): void {
  say(`version ${version}, ${path} (${origin})`);
  if (isOlderVersion(version, RECOMMENDED_NATS_SERVER)) {
    say(
      `warning: ${RECOMMENDED_NATS_SERVER} or later is safer, it repairs faults that lose events`,
    );
  }
}

function say(message: string): void {
  console.log(`setup: nats-server: ${message}`);
}

try {
  await provideNatsServer(process.env);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
