# PowerShell completion for steer. Load it with: steer completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName 'steer' -ScriptBlock {
    param($typed, $line, $cursor)

    $words = @($line.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object { "$_" })
    $words = @($words | Select-Object -Skip 1)
    # The word that is being typed stands last, also when there is nothing of it yet.
    if ($typed -eq '') {
        $words += ''
    }
    # Before 7.3 PowerShell drops empty arguments of native programs.
    if ($PSVersionTable.PSVersion -lt [version]'7.3') {
        $words = @($words | ForEach-Object { if ($_ -eq '') { '""' } else { $_ } })
    }
    $out = @(& 'steer' '__complete' @words 2>$null)
    if ($out.Count -eq 0 -or $out[-1] -notmatch '^:(\d+)$') {
        return
    }
    $directive = [int]$Matches[1]
    if ($directive -band 1) {
        return
    }

    $flag = ''
    if ($typed -match '^(-[^=]*=)') {
        $flag = $Matches[1]
    }
    $candidates = @($out | Select-Object -SkipLast 1)
    if ($directive -band 8) {
        $endings = $candidates
        Get-ChildItem -Path "$($typed.Substring($flag.Length))*" -ErrorAction Ignore |
            Where-Object { $_.PSIsContainer -or $endings -contains $_.Extension.TrimStart('.') } |
            ForEach-Object { $flag + (Resolve-Path -Relative $_.FullName) } |
            ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ProviderItem', $_) }
        return
    }
    foreach ($candidate in $candidates) {
        $word, $about = $candidate -split "`t", 2
        if (-not $about) {
            $about = $word
        }
        $end = if ($directive -band 2) { '' } else { ' ' }
        [System.Management.Automation.CompletionResult]::new($flag + $word + $end, $word, 'ParameterValue', $about)
    }
    # An empty word keeps PowerShell from offering files.
    if ($candidates.Count -eq 0 -and ($directive -band 4)) {
        ''
    }
}
