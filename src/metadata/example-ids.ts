import { uuid } from '../base/brands.ts';

/** Ids for the examples of operations, the same thing by the same id in all of them. */
export const exampleIds = {
  cluster: uuid('X3mD8vUuTzqk1oJ0yLwNbQ'),
  incarnation: uuid('B0nZ3xQoT1mJ6e2aV8rKwA'),
  topic: uuid('kP4tYhLxQ2uE9sWbRz0M3g'),
  directory: uuid('m5RkZ2dNQ0qWc8tEoLxYiA'),
  token: uuid('Vg2nC7yJR4uQ0kXe5LwTsA'),
  member: uuid('Hq7sT1vKQxC9rYb3MdZfWg'),
} as const;
