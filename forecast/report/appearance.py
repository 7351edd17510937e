"""The style sheet of report.html."""

from forecast.report.style import DARK_INK, DARK_PAPER, INK, PAPER

CSS = f"""
:root {{ --ink: {INK}; --paper: {PAPER}; --faint: #5f6368; --rule: #d9dce0; --accent: #0072B2 }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: {DARK_INK}; --paper: {DARK_PAPER}; --faint: #a2a7ae; --rule: #3a3e45; --accent: #56B4E9 }}
}}
* {{ box-sizing: border-box }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }}
main {{ max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }}
h1 {{ font-size: 1.1rem; font-weight: 600; color: var(--faint); margin: 0 }}
h2 {{ font-size: 1.25rem; margin: 3rem 0 .75rem }}
.answer {{ font-size: 1.6rem; line-height: 1.3; margin: .5rem 0; max-width: 40rem; text-wrap: balance }}
.small, figcaption {{ color: var(--faint); font-size: .875rem }}
figure {{ margin: 0 }}
img {{ width: 100%; height: auto; display: block }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums }}
th, td {{ padding: .35rem .5rem; text-align: right; border-bottom: 1px solid var(--rule); vertical-align: top }}
th {{ font-weight: 600 }}
td {{ white-space: nowrap }}
.words {{ text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 6.5rem }}
th[scope=row] {{ text-align: left; white-space: nowrap }}
.scores span {{ color: var(--faint) }}
pre {{ border-left: 3px solid var(--accent); padding: .5rem .75rem; overflow-x: auto; font-size: .875rem }}
@media (max-width: 40rem) {{
  picture {{ display: block; overflow-x: auto }}
  img {{ width: 38rem }}
}}
@media print {{
  :root {{ --ink: {INK}; --paper: {PAPER}; --faint: #5f6368; --rule: #d9dce0; --accent: #0072B2 }}
  main {{ max-width: none; padding: 0 }}
  section {{ break-inside: avoid-page }}
  #settings, #misses {{ break-inside: auto }}
  tr, figure {{ break-inside: avoid }}
  .wide, pre, picture {{ overflow: visible }}
  pre {{ white-space: pre-wrap; overflow-wrap: anywhere }}
  img {{ width: auto; max-width: 100%; max-height: 17cm }}
}}
"""
