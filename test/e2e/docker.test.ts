import { connect } from 'nats';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { expect, test } from 'vitest';

/** The image of the release that setup fetches, so that both paths test the same server. */
const IMAGE = 'nats:2.15.1';
const CLIENT_PORT = 4222;
const PULL_TIMEOUT_MS = 120_000;

const docker = await getContainerRuntimeClient().then(
  () => true,
  () => false,
);

test.skipIf(!docker)(
  `a nats-server in a container takes JetStream clients${docker ? '' : ' (skipped: no Docker engine answers)'}`,
  { timeout: PULL_TIMEOUT_MS },
  async () => {
    await using container = await new GenericContainer(IMAGE)
      .withCommand(['--jetstream'])
      .withExposedPorts(CLIENT_PORT)
      .withWaitStrategy(Wait.forLogMessage('Server is ready'))
      .start();
    const servers = `${container.getHost()}:${container.getMappedPort(CLIENT_PORT)}`;
    const connection = await connect({ servers });
    const info = await connection.request('$JS.API.INFO');
    expect(info.json()).toMatchObject({ streams: 0 });
    await connection.close();
  },
);
