/** The images that random commands begin with, as a scenario: so that a run can be written down as one and played again. */

/**
 * `base:1` has two layers, `app:1` the same and a third: whiteouts, an opaque directory, links of both kinds, attributes, and
 * names that stand for a directory in one layer and a file in another.
 */
export const SAMPLE_SCENARIO = `clock @1700000000 +1s
image base:1
  FROM scratch
  RUN mkdir -p /a/b /d; echo -n 'lower a' > /a/a; setfattr -n user.one -v v /a/a; echo -n other > /a/b/a; echo -n deep > /a/b/c
  RUN echo -n file > /b; ln /b /a/c; ln -s ../b /d/a; echo -n 'hidden later' > /d/c; same-layer
  RUN echo -n second > /a/a; mkdir /a/b/b; fill 20000 x > /a/b/b/a; ln /a/b/b/a /a/b/b/b
end
image app:1
  FROM base:1
  RUN rm /a/b/c; rm -r /d; mkdir -p /d/b; rm /b; mkdir -p /b/b; fill 70000 y > /b/a; echo -n 'in b' > /b/b/a; ln -s ../a /b/c
end
`;

/** `plain:1`, three layers without hard links, as {@link PosixModel} can stand on. */
export const PLAIN_SCENARIO = `clock @1700000000 +1s
image plain:1
  FROM scratch
  RUN mkdir -p /a/b /d; echo -n 'lower a' > /a/a; setfattr -n user.one -v v /a/a; echo -n other > /a/b/a; echo -n deep > /a/b/c
  RUN echo -n file > /b; ln -s ../b /d/a; echo -n 'hidden later' > /d/c; same-layer
  RUN echo -n second > /a/a; mkdir /a/b/b; fill 20000 x > /a/b/b/a
  RUN rm /a/b/c; rm -r /d; mkdir -p /d/b; rm /b; mkdir -p /b/b; fill 70000 y > /b/a; echo -n 'in b' > /b/b/a; ln -s ../a /b/c
end
`;
