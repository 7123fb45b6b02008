import { builtinModules } from 'node:module';
import {
  type Import,
  importsOf,
  packageName,
  resolveInProject,
  type SourceFile,
  type Violation,
} from './source-file.ts';

/**
 * What stands where. An area is a folder of `src/` or a file directly in it. A lower floor never imports a
 * higher one; where `imports` is given, the area imports itself and these areas only, and where `packages` is
 * given, these packages only.
 */
interface Area {
  readonly floor: number;
  readonly imports?: readonly string[];
  readonly packages?: readonly string[];
}

/** Areas without `packages` may use what they like: they are the ones that touch the world. */
export const areas: Readonly<Record<string, Area>> = {
  'src/base': { floor: 0, imports: [], packages: ['sorted-btree'] },
  // To Raft a batch is opaque, and the state machine knows nothing of elections: neither imports the other.
  'src/raft': { floor: 1, imports: ['src/base'], packages: [] },
  'src/metadata': { floor: 1, imports: ['src/base'], packages: ['typebox'] },
  'src/balancer': { floor: 1, imports: ['src/base', 'src/metadata'], packages: [] },
  'src/linking': { floor: 1, imports: ['src/base', 'src/metadata'], packages: [] },
  'src/replica': { floor: 1, imports: ['src/base', 'src/metadata'], packages: [] },
  'src/codec': {
    floor: 1,
    imports: ['src/base', 'src/raft', 'src/metadata'],
    packages: ['msgpackr', 'typebox', 'node:zlib'],
  },
  'src/ports': { floor: 2, packages: [] },
  'src/runtime': { floor: 3 },
  'src/storage': { floor: 4 },
  'src/transport': { floor: 4 },
  'src/http': { floor: 4 },
  // Embedding the client loads nothing of a server.
  'src/client': {
    floor: 4,
    imports: [
      'src/base',
      'src/raft',
      'src/metadata',
      'src/balancer',
      'src/linking',
      'src/replica',
      'src/codec',
      'src/ports',
      'src/runtime',
    ],
  },
  'src/broker': { floor: 4 },
  // It is given what starts a controller, so that it stands beside the command that runs it.
  'src/conformance': { floor: 4 },
  'src/cli': { floor: 4 },
  'src/console': { floor: 4 },
  // The composition root, which the package's faces share.
  'src/server': { floor: 5 },
  'src/main.ts': { floor: 5 },
  'src/index.ts': { floor: 5 },
  // The face for users' own tests, and the world in which it and the simulator let nodes run: virtual time, a
  // network, disks and stores in memory.
  'src/testing': { floor: 5 },
  'src/testing/world': {
    floor: 3,
    imports: ['src/base', 'src/raft', 'src/codec', 'src/ports'],
    packages: [],
  },
};

/** The highest floor that the simulator builds on; above it stand the adapters that it replaces. */
const simulatorFloorMax = 3;
/** `src/client/core/`, `src/client/core.ts`, `src/broker/broker-core.ts`: the parts without I/O. */
const simulatedCore = /^src\/(client|broker)\/(.*\/)?(core\/.*|([a-z-]+-)?core)(\.ts)?$/;
const resourceFolder = /^src\/metadata\/resources\//;
const fastifyPackage = /^(fastify|@fastify\/.*)$/;
const builtins: ReadonlySet<string> = new Set(builtinModules);

/** The longest folder that is an area, or the folder of `src/` that should be one. */
function areaOf(path: string): string {
  const parts = path.split('/');
  const inner = parts.slice(0, 3).join('/');
  return areas[inner] === undefined ? parts.slice(0, 2).join('/') : inner;
}

/** Every import of `source` that its floor does not allow. */
export function floorViolations(source: SourceFile): Violation[] {
  const rule = ruleFor(source.path);
  return importsOf(source).flatMap((found) => {
    const message = rule(found);
    return message === undefined ? [] : [source.violation(found.start, message)];
  });
}

/** Gives the reason why an import is not allowed, or undefined when it is. */
type Rule = (found: Import) => string | undefined;

function ruleFor(path: string): Rule {
  if (path.startsWith('simulator/')) return (found) => simulatorRule(path, found);
  const areaName = areaOf(path);
  const area = areas[areaName];
  if (area === undefined) return () => `${areaName} stands on no floor`;
  return (found) => {
    const target = resolveInProject(path, found.specifier);
    if (target === undefined) return packageRule(path, area, found);
    return areaRule(areaName, area, target);
  };
}

function areaRule(areaName: string, area: Area, target: string): string | undefined {
  const targetName = areaOf(target);
  if (targetName === areaName) return undefined;
  const targetArea = areas[targetName];
  if (targetArea === undefined) return `imports ${target}, which stands on no floor`;
  if (targetArea.floor > area.floor) {
    return `imports ${target}: floor ${area.floor} never imports floor ${targetArea.floor}`;
  }
  if (area.imports !== undefined && !area.imports.includes(targetName)) {
    return `imports ${target}: ${areaName} never imports ${targetName}`;
  }
  return undefined;
}

function packageRule(path: string, area: Area, found: Import): string | undefined {
  const name = packageName(found.specifier);
  if (resourceFolder.test(path) && fastifyPackage.test(name)) return `a resource never imports ${name}`;
  if (area.packages === undefined || area.packages.includes(name)) return undefined;
  if (name.startsWith('node:') || builtins.has(name))
    return `imports ${name}: a pure folder never uses Node.js`;
  return `imports the package ${JSON.stringify(name)}, which its floor does not allow`;
}

function simulatorRule(path: string, found: Import): string | undefined {
  const target = resolveInProject(path, found.specifier);
  if (target === undefined || target.startsWith('simulator/') || simulatedCore.test(target)) return undefined;
  const area = areas[areaOf(target)];
  if (area !== undefined && area.floor <= simulatorFloorMax) return undefined;
  return `imports ${target}: the simulator builds on floors 0 to ${simulatorFloorMax} and the cores only`;
}

/** The files that import `packageToFind`, as a value or as a type. */
export function importersOf(packageToFind: string, sources: readonly SourceFile[]): string[] {
  return sources
    .filter((source) => importsOf(source).some(({ specifier }) => packageName(specifier) === packageToFind))
    .map((source) => source.path);
}

/** Everything, files and packages, that loading `entry` loads: types and dynamic imports load nothing. */
export function loadedBy(entry: string, sources: readonly SourceFile[]): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const loaded = new Set([entry]);
  for (const path of loaded) {
    const source = byPath.get(path);
    for (const { specifier, typeOnly, dynamic } of source === undefined ? [] : importsOf(source)) {
      if (!typeOnly && !dynamic) loaded.add(resolveInProject(path, specifier) ?? packageName(specifier));
    }
  }
  return loaded;
}
