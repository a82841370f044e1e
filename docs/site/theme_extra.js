// Debian's theme readthedocs asks for this file and lacks it: tables get the theme's looks.
$(function () { $("div.rst-content table").addClass("docutils"); });
