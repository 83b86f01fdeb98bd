import { formatBytes, formatDuration } from '../../text/quantity.js';
import { compact, count, shortId } from '../format.js';
import type { Status } from '../wire.js';

/** Nodes silent for longer than this are highlighted. */
const SILENT_MS = 10_000;

/** Current activity. */
export function Now({ status }: { readonly status: Status }) {
  const { run, engine, fleet, store } = status;
  return (
    <section class="panel" aria-labelledby="now">
      <h2 id="now">{run === undefined ? 'On disk' : 'Now'}</h2>
      <dl class="facts">
        {run !== undefined && (
          <>
            <Fact name="Running">
              {formatDuration(run.durationMs)}
              {run.paused ? ', paused' : ''}
            </Fact>
            <Fact name="Epoch">{run.epoch ?? 'waiting for the node'}</Fact>
            <Fact name="Open targets">{run.epoch === undefined ? '–' : count(run.openTargets)}</Fact>
            <Fact name="Queue">
              {run.queued} in flight, {count(run.hits)} hits this run
            </Fact>
            <Fact name="Rows scanned">{rate(run.rowsScannedPerSecond[1] ?? run.rowsScannedPerSecond[0])}</Fact>
          </>
        )}
        {engine !== undefined && (
          <>
            <Fact name="Engine">
              {engine.name}: {engine.reason}
            </Fact>
            <Fact name="Workers">
              {engine.workers} x {engine.threads} threads
            </Fact>
            <Fact name="Distances">{engine.distances}</Fact>
          </>
        )}
        {fleet !== undefined && (
          <Fact name="Fleet">
            {fleet.scorers} scorers, {count(fleet.samples)} samples, {fleet.redelivered} handed out again
          </Fact>
        )}
        <Fact name="Store">
          {[
            store.samples !== undefined && `${count(store.samples)} samples`,
            store.bytes !== undefined && formatBytes(store.bytes),
          ]
            .filter(Boolean)
            .join(', ') || '–'}
        </Fact>
        <Fact name="Disk">{store.diskFreeBytes === undefined ? '–' : `${formatBytes(store.diskFreeBytes)} free`}</Fact>
        <Fact name="State">{status.stateDir}</Fact>
      </dl>
      {status.nodes.length > 0 && <Nodes nodes={status.nodes} />}
      {status.models.length > 0 && <Models models={status.models} />}
    </section>
  );
}

function rate(value: number | null | undefined): string {
  return typeof value === 'number' ? `${compact(value)}/s` : '–';
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Nodes({ nodes }: { readonly nodes: Status['nodes'] }) {
  return (
    <>
      <h3>Nodes</h3>
      <ul class="rows">
        {nodes.map((node) => {
          const isSilent = !node.connected || (node.checkpointAgeMs ?? 0) > SILENT_MS;
          return (
            <li key={node.url}>
              <span class={`dot ${isSilent ? 'bad' : 'good'}`} />
              <span class="grow">{node.url}</span>
              <span class="muted">
                {node.connected ? 'connected' : 'not connected'}
                {node.checkpointAgeMs !== undefined &&
                  `, checkpoint ${node.checkpoint}, ${(node.checkpointAgeMs / 1_000).toFixed(1)} s ago`}
                {node.latencyMs !== undefined && `, ${formatDuration(node.latencyMs)}`}
                {node.error !== undefined && `: ${node.error}`}
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Models({ models }: { readonly models: Status['models'] }) {
  return (
    <>
      <h3>Models</h3>
      <ul class="rows">
        {models.map(({ id, state, receivedBytes, sizeBytes, note }) => (
          <li key={id}>
            <span class={`dot ${{ ready: 'good', failed: 'bad', fetching: 'busy', waiting: 'idle' }[state]}`} />
            <code title={id}>{shortId(id)}</code>
            {state === 'fetching' ? (
              <progress
                class="grow"
                value={receivedBytes}
                max={Math.max(1, sizeBytes)}
                aria-label={`weights of ${shortId(id)}`}
              />
            ) : (
              <span class="grow muted">{note}</span>
            )}
            <span class="muted">
              {state}, {state === 'fetching' ? `${formatBytes(receivedBytes)} of ` : ''}
              {formatBytes(sizeBytes)}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
