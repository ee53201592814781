"""How ``make docs`` builds the site: Sphinx reads the package without importing it, and every warning is an error."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "airflow_provider_ecr_preview"


def _version() -> str:
    module = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    assignments = (node for node in module.body if isinstance(node, ast.Assign))
    return next(
        str(node.value.value)
        for node in assignments
        if isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "__version__"
        and isinstance(node.value, ast.Constant)
    )


project = "ECR lifecycle policy previews for Airflow"
author = "The airflow-provider-ecr-preview authors"
copyright = author  # noqa: A001 - Sphinx names it so
version = release = _version()

extensions = ["autoapi.extension", "myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
nitpicky = False
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
suppress_warnings = ["autoapi.python_import_resolution"]  # what comes from Airflow and boto3 is not read

myst_enable_extensions = ["alert"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = False

# All modules are read, so that a public one can hand on what a private one defines; only the public ones are shown.
autoapi_dirs = [str(PACKAGE)]
autoapi_root = "reference/api"
autoapi_ignore = [
    "*/plugins/*",
    "*/engine/*",
    "*/aws/*",
    "*/templating/*",
    "*/_[!_]*.py",
    "*/__main__.py",
    "*/get_provider_info.py",
    "*/node_modules/*",
]
autoapi_add_toctree_entry = False
autoapi_keep_files = False
autoapi_member_order = "groupwise"
autoapi_options = ["members", "show-inheritance", "show-module-summary", "imported-members"]
autoapi_own_page_level = "module"
autoapi_python_class_content = "class"

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "ECR previews for Airflow"},
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}

_PUBLIC = re.compile(
    r"airflow_provider_ecr_preview"
    r"(\.(assets|exceptions|iam|policy|xcom|reports|display|sources|local(\.(pytest_plugin|faults))?"
    r"|(hooks|links|operators|sensors|task_groups|triggers)(\.(?!ecr_(merge|repositories|cleanup_|preview_))[a-z]\w*)?))?"
)

_LINK = re.compile(r"^(?:- |\| )\[[^\]]+\]\(([\w/.-]+)\.md\)", re.MULTILINE)


def _with_toctree(_: Sphinx, page: str, source: list[str]) -> None:
    """Make the list of links of an index page its part of the navigation, too."""
    if re.fullmatch(r"(\w+/)?index", page):
        pages = "\n".join(_LINK.findall(source[0]))
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"


_SIGNATURE = re.compile(r"^ *\.\. py:\w+:: .*$", re.MULTILINE)

_PATH = re.compile(r"airflow_provider_ecr_preview\.(?:\w+\.)+(?=\w)")


def _with_short_names(_: Sphinx, page: str, source: list[str]) -> None:
    """Leave modules out of titles and types: they fill the navigation and the signatures."""
    if page.startswith("reference/api/"):
        text = source[0].replace("airflow_provider_ecr_preview.", "", 1)
        source[0] = _SIGNATURE.sub(lambda line: _with_short_types(line[0]), text)


def _with_short_types(signature: str) -> str:
    name, parenthesis, rest = signature.partition("(")
    return name + parenthesis + _PATH.sub("", rest)


def _is_private(_: Sphinx, kind: str, name: str, __: object, skip: bool, ___: object) -> bool:
    """Return whether a module or a name is left out."""
    return skip or (kind in {"module", "package"} and not _PUBLIC.fullmatch(name))


def setup(app: Sphinx) -> None:
    """Connect what this site adds to Sphinx."""
    app.connect("source-read", _with_toctree)
    app.connect("source-read", _with_short_names)
    app.connect("autoapi-skip-member", _is_private)
