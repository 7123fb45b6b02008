export { resource } from './resource.ts';
export { operations } from './operations.ts';
