import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Why a peer has no script: the package leaves them out. */
export const NO_SCRIPT = 'its script comes with the repository, not with the package';

/** A peer's script of this folder, also from where the bench is built; undefined in an installed package. */
export function pythonScript(name: 'python_peers.py' | 'soma_sdk_bench.py'): string | undefined {
  const places = [`./${name}`, `../../../bench/baselines/${name}`];
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
}
